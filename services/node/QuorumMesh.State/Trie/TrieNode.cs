namespace QuorumMesh.State.Trie;

/// <summary>
/// A node in memory. Its content never changes, so that tries of several blocks share nodes; a changed trie has new nodes from
/// the change up to its root.
/// </summary>
internal abstract class TrieNode
{
    /// <summary>True when the store holds this node at its place. False for any node above one that it does not hold.</summary>
    public bool IsStored { get; set; }

    /// <summary>When the node was last on a path that was walked: what trimming goes by.</summary>
    public int Epoch { get; set; }

    /// <summary>Approximate size in memory.</summary>
    public abstract int Bytes { get; }

    /// <summary>The same node for another depth, where its RLP is another.</summary>
    public abstract TrieNode Moved();
}

/// <param name="key">The whole key, from the root on.</param>
internal sealed class LeafNode(in NibblePath key, byte[] value) : TrieNode
{
    private readonly NibblePath _key = key;

    public ref readonly NibblePath Key => ref _key;

    public byte[] Value { get; } = value;

    public override int Bytes => 112 + Value.Length;

    public override TrieNode Moved() => new LeafNode(_key, Value);
}

/// <param name="end">Path of the child, from the root on.</param>
internal sealed class ExtensionNode(in NibblePath end, in TrieChild child) : TrieNode
{
    private readonly NibblePath _end = end;
    private TrieChild _child = child;

    public ref readonly NibblePath End => ref _end;

    /// <summary>Its node may be loaded or dropped; the reference stays the same.</summary>
    public ref TrieChild Child => ref _child;

    public override int Bytes => 128;

    public override TrieNode Moved() => new ExtensionNode(_end, _child);
}
