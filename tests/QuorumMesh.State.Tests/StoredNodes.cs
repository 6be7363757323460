using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

/// <summary>Nodes of one trie by path, as a store keeps them.</summary>
internal sealed class StoredNodes : ITrieNodeSource
{
    private readonly Dictionary<NibblePath, byte[]> _changes = [];
    private readonly HashSet<NibblePath> _keys = [];

    public Dictionary<TrieNodeKey, byte[]> ByPlace { get; } = [];

    public Hash256 Root { get; private set; } = Hash256.EmptyTrie;

    /// <summary>Leaves loaded with their own row.</summary>
    public int LeavesLoaded { get; private set; }

    public byte[]? Get(byte[] key) => new MerkleTrie(this, null, TrieChild.OfRoot(Root)).Get(key);

    /// <summary>For the next commit; an empty value deletes.</summary>
    public void Set(byte[] key, byte[] value) => _changes[NibblePath.OfKey(key)] = value;

    /// <summary>Puts the changes into the stored trie and stores what follows.</summary>
    public void Commit(SplitWork? split = null)
    {
        TrieChange[] changes = [.. _changes.Select(c => new TrieChange(c.Key, c.Value, _keys.Contains(c.Key))).Order()];
        foreach (var (key, value) in _changes)
        {
            if (value.Length > 0) _keys.Add(key);
            else _keys.Remove(key);
        }

        _changes.Clear();
        var update = new TrieUpdate(this, null, epoch: 1);
        var root = update.Apply(TrieChild.OfRoot(Root), changes, split);
        foreach (var path in update.Vanished)
            Assert.True(ByPlace.Remove(new TrieNodeKey(null, path)), $"deletes an unknown node: {path}");
        if (root.Node is not null) Store(root.Node, default);
        Root = root.RootHash;
    }

    public byte[] LoadNode(in TrieNodeKey key, in Hash256 hash)
    {
        var node = ByPlace[key];
        Assert.True(NodeRow.Fits(node, hash));
        if (NodeRow.Decode(node, key.Path) is LeafNode) LeavesLoaded++;
        LoadedAlone++;
        Loaded.Add(key);
        return node;
    }

    /// <summary>Places of the rows that were loaded.</summary>
    public System.Collections.Concurrent.ConcurrentBag<TrieNodeKey> Loaded { get; } = [];

    /// <summary>Rows that were loaded by themselves, not together with others.</summary>
    public int LoadedAlone { get; private set; }

    /// <summary>Rows that were loaded together with others.</summary>
    public int LoadedTogether { get; private set; }

    public byte[][] LoadNodes(ReadOnlySpan<(TrieNodeKey Key, Hash256 Hash)> nodes)
    {
        var rows = new byte[nodes.Length][];
        for (var i = 0; i < rows.Length; i++) rows[i] = LoadNode(nodes[i].Key, nodes[i].Hash);
        (LoadedAlone, LoadedTogether) = (LoadedAlone - rows.Length, LoadedTogether + rows.Length);
        return rows;
    }

    private void Store(TrieNode node, NibblePath path)
    {
        if (node.IsStored) return;
        ByPlace[new TrieNodeKey(null, path)] = NodeRowTests.RowOf(node, path.Length);
        if (node is ExtensionNode { Child: { Node: { } child, IsHashed: true } } extension) Store(child, extension.End);
        if (node is not BranchNode branch) return;
        for (var i = 0; i < 16; i++)
        {
            if (branch.IsHashed(i) && branch.NodeAt(i) is { } below) Store(below, path.Append(i));
        }
    }
}
