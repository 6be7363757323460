using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>
/// What a node, or a trie for its root, refers to: nothing, a node by its hash (in memory or not), or a whole node shorter than
/// 32 bytes, which has no hash.
/// </summary>
internal readonly record struct TrieChild(TrieNode? Node, Hash256 Hash, bool IsHashed)
{
    public bool IsEmpty => Node is null && !IsHashed;

    /// <summary>The root of a trie, none of it in memory.</summary>
    public static TrieChild OfRoot(in Hash256 root) => root == Hash256.EmptyTrie ? default : new TrieChild(null, root, true);

    /// <summary>Of a root.</summary>
    public Hash256 RootHash => IsEmpty ? Hash256.EmptyTrie : Hash;
}
