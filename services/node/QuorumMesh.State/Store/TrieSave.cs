using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>
/// What the store lacks of the tries after a block. The nodes it notes never change, so that it can be encoded and written beside
/// the blocks that follow.
/// </summary>
/// <param name="block">Whose tries they are.</param>
/// <param name="wiped">Accounts whose earlier storage nodes all go.</param>
internal sealed class TrieSave(ulong block, IReadOnlySet<Address> wiped)
{
    private readonly List<TrieNodeKey> _gone = [];
    private readonly List<(TrieNodeKey Place, TrieNode Node)> _nodes = [];

    public ulong Block => block;

    /// <summary>A place that lost its node may have got one again since.</summary>
    /// <param name="trie">The place's trie after the block.</param>
    public void NoteVanished(in TrieNodeKey place, in TrieChild trie)
    {
        if (!(place.IsStorage && wiped.Contains(place.Owner)) && !HasNode(trie, place.Path)) _gone.Add(place);
    }

    /// <param name="owner">Null for the account trie.</param>
    public void NoteUnsaved(in Address? owner, in TrieChild trie)
    {
        if (trie.Node is { } root) NoteUnsaved(owner, root, default);
    }

    /// <summary>From any thread.</summary>
    public void Put(IKeyValueReader store, StateKeys keys, KeyValueBatch batch)
    {
        // Deletions first: an account that was created anew has nodes at the same places.
        foreach (var owner in wiped)
            foreach (var (key, _) in store.Scan(keys.StorageNodes(owner)))
                batch.Delete(key);
        // A row without a node would be found by the verifier as one too many, and never by a reader.
        foreach (var place in _gone)
            batch.Delete(keys.Node(place));
        byte[] buffer = [];
        foreach (var (place, node) in _nodes)
            NodeRow.Put(batch, keys.Node(place), node, place.Path.Length, ref buffer);
        StateHead.WriteTrieBlock(batch, keys, block);
    }

    /// <summary>The batch has been written.</summary>
    public void MarkStored()
    {
        foreach (var (_, node) in _nodes)
            node.IsStored = true;
    }

    private void NoteUnsaved(in Address? owner, TrieNode node, in NibblePath path)
    {
        // Nothing below a stored node is new: nodes are made from a change up to the root.
        if (node.IsStored) return;
        if (node is ExtensionNode { Child: { Node: { } child, IsHashed: true } } extension)
        {
            NoteUnsaved(owner, child, extension.End);
        }
        else if (node is BranchNode branch)
        {
            for (var i = 0; i < 16; i++)
            {
                if (branch.IsHashed(i) && branch.NodeAt(i) is { IsStored: false } below) NoteUnsaved(owner, below, path.Append(i));
            }
        }

        _nodes.Add((new TrieNodeKey(owner, path), node));
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
                case ExtensionNode extension when extension.End.Length <= path.Length
                    && extension.End.CommonPrefix(path) == extension.End.Length:
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
