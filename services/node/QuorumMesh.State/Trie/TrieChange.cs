namespace QuorumMesh.State;

/// <summary>A key's new value; an empty one deletes the key.</summary>
internal readonly record struct TrieChange(NibblePath Key, byte[] Value) : IComparable<TrieChange>
{
    public bool Deletes => Value.Length == 0;

    public int CompareTo(TrieChange other) => Key.CompareTo(other.Key);
}
