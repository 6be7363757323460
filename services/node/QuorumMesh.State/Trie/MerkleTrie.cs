using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>
/// Reads of a hexary Merkle-Patricia trie over stored nodes (Yellow Paper, appendix D). Keys have at most 32 bytes. Changes go
/// through <see cref="TrieUpdate"/>.
/// </summary>
/// <param name="source">Null for a trie that is all in memory.</param>
/// <param name="owner">The account of a storage trie; null for the account trie.</param>
internal readonly struct MerkleTrie(ITrieNodeSource? source, Address? owner, TrieChild root)
{
    /// <returns>Null when absent.</returns>
    public byte[]? Get(ReadOnlySpan<byte> key) => Walk(NibblePath.OfKey(key), null);

    /// <summary>The stored nodes from the root to where the key is or would be, as eth_getProof gives them.</summary>
    public List<byte[]> Prove(ReadOnlySpan<byte> key)
    {
        var nodes = new List<byte[]>();
        Walk(NibblePath.OfKey(key), nodes);
        return nodes;
    }

    private byte[]? Walk(in NibblePath key, List<byte[]>? proof)
    {
        var child = root;
        var depth = 0;
        while (!child.IsEmpty)
        {
            var node = child.Node ?? TrieLoading.Load(source, owner, child.Hash, key.Take(depth));
            if (child.IsHashed) proof?.Add(NodeCodec.Encode(node, depth));
            switch (node)
            {
                case LeafNode leaf:
                    return leaf.Key.Equals(key) ? leaf.Value : null;
                case ExtensionNode extension:
                    if (key.CommonPrefix(extension.End) < extension.End.Length) return null;
                    depth = extension.End.Length;
                    child = extension.Child;
                    break;
                case BranchNode branch:
                    if (depth == key.Length) return branch.Value.Length > 0 ? branch.Value : null;
                    child = branch[key[depth++]];
                    break;
            }
        }

        return null;
    }
}
