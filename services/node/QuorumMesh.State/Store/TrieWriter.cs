using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Puts trie nodes into a batch, each under its place.</summary>
internal sealed class TrieWriter(IKeyValueReader store, StateKeys keys, KeyValueBatch batch)
{
    private byte[] _buffer = [];

    /// <summary>The nodes put, to be marked as stored when the batch is written.</summary>
    public List<TrieNode> Put { get; } = [];

    /// <summary>All stored nodes of a storage trie go.</summary>
    public void DeleteAll(in Address owner)
    {
        foreach (var (key, _) in store.Scan(keys.StorageNodes(owner)))
            batch.Delete(key);
    }

    /// <summary>A place that lost its node may have got one again since.</summary>
    public void DeleteVanished(in TrieNodeKey key, in TrieChild trie)
    {
        if (!HasNode(trie, key.Path)) batch.Delete(keys.Node(key));
    }

    public void PutUnsaved(in Address? owner, in TrieChild trie)
    {
        if (trie.Node is { } root) PutUnsaved(owner, root, default);
    }

    private void PutUnsaved(in Address? owner, TrieNode node, in NibblePath path)
    {
        if (node.IsStored) return;
        if (node is ExtensionNode { Child: { Node: { } child, IsHashed: true } } extension)
        {
            PutUnsaved(owner, child, extension.End);
        }
        else if (node is BranchNode branch)
        {
            for (var i = 0; i < 16; i++)
            {
                if (branch.IsHashed(i) && branch.NodeAt(i) is { IsStored: false } below) PutUnsaved(owner, below, path.Append(i));
            }
        }

        NodeRow.Put(batch, keys.Node(new TrieNodeKey(owner, path)), node, path.Length, ref _buffer);
        Put.Add(node);
    }

    private static bool HasNode(TrieChild child, in NibblePath path)
    {
        for (var depth = 0; ;)
        {
            if (!child.IsHashed) return false;
            if (depth == path.Length) return true;
            switch (child.Node)
            {
                case BranchNode branch:
                    child = branch[path[depth++]];
                    break;
                case ExtensionNode extension when extension.End.Length <= path.Length && extension.End.CommonPrefix(path) == extension.End.Length:
                    depth = extension.End.Length;
                    child = extension.Child;
                    break;
                case null: // stored and not loaded: not on the way of any change
                    return true;
                default:
                    return false;
            }
        }
    }
}
