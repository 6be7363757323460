using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

internal interface ITrieNodeSource
{
    /// <summary>The row of the node at this place (<see cref="NodeRow"/>). It belongs to the source: do not change it.</summary>
    /// <exception cref="StateCorruptException">It is missing, or is not the node of this hash.</exception>
    byte[] LoadNode(in TrieNodeKey key, in Hash256 hash);

    /// <summary>Rows of several nodes, in their order, each as <see cref="LoadNode"/> gives it.</summary>
    /// <exception cref="StateCorruptException">One of them is missing, or is not the node of its hash.</exception>
    byte[][] LoadNodes(ReadOnlySpan<(TrieNodeKey Key, Hash256 Hash)> nodes)
    {
        var rows = new byte[nodes.Length][];
        for (var i = 0; i < rows.Length; i++) rows[i] = LoadNode(nodes[i].Key, nodes[i].Hash);
        return rows;
    }
}
