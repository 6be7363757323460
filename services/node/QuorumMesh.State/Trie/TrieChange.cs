namespace QuorumMesh.State.Trie;

/// <summary>A key's new value; an empty one deletes the key.</summary>
/// <param name="Exists">True when the key is known to be in the trie: its leaf need not be loaded then.</param>
internal readonly record struct TrieChange(NibblePath Key, byte[] Value, bool Exists = false) : IComparable<TrieChange>
{
    public bool Deletes => Value.Length == 0;

    public int CompareTo(TrieChange other) => Key.CompareTo(other.Key);
}
