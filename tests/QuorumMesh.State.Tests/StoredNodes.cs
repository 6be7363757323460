using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Tests;

/// <summary>Nodes of one trie by path, as a store keeps them.</summary>
internal sealed class StoredNodes : ITrieNodeSource
{
    public Dictionary<TrieNodeKey, byte[]> ByPlace { get; } = [];

    public Hash256 Root { get; private set; } = Hash256.EmptyTrie;

    public MerkleTrie Open() => new(this, null, Root);

    public void Commit(MerkleTrie trie)
    {
        var changes = new Dictionary<TrieNodeKey, StoredNode>();
        Root = trie.Commit(changes);
        foreach (var (key, node) in changes)
        {
            if (node.Encoded is null) Assert.True(ByPlace.Remove(key), $"deletes an unknown node: {key}");
            else ByPlace[key] = node.Encoded;
        }
    }

    public byte[] LoadNode(in TrieNodeKey key, in Hash256 hash)
    {
        var node = ByPlace[key];
        Assert.Equal(hash, Keccak.Hash(node));
        return node;
    }
}
