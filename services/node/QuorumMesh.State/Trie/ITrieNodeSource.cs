using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

internal interface ITrieNodeSource
{
    /// <summary>The row of the node at this place (<see cref="NodeRow"/>). It belongs to the source: do not change it.</summary>
    /// <exception cref="StateCorruptException">It is missing, or is not the node of this hash.</exception>
    byte[] LoadNode(in TrieNodeKey key, in Hash256 hash);
}
