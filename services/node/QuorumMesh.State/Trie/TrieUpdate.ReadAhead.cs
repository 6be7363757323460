using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

internal sealed partial class TrieUpdate
{
    /// <summary>Below this a walk ahead costs more than it spares.</summary>
    private const int ChangesWorthReadingAhead = 4;

    /// <summary>Bounds the rows that are in memory beside their nodes.</summary>
    private const int NodesOfARead = 128;

    /// <summary>A child that is not in memory, on the way of the changes from one place in their list to another.</summary>
    /// <param name="Depth">Nibbles above the child.</param>
    private readonly record struct Unread(BranchNode Branch, int Nibble, int From, int To, int Depth);

    /// <summary>
    /// Loads the nodes that the changes lead through, level by level and many at a time: those that the walk would load by itself, one by
    /// one, and no others. What else a walk needs (the child that a branch is left with) it still loads itself.
    /// </summary>
    /// <param name="node">On the way of all changes.</param>
    private void ReadAhead(TrieNode node, ReadOnlySpan<TrieChange> changes, int depth)
    {
        if (source is null || changes.Length < ChangesWorthReadingAhead) return;
        var (unread, below) = (new List<Unread>(), new List<Unread>());
        Look(node, changes, 0, changes.Length, depth, unread);
        while (unread.Count > 0)
        {
            for (var at = 0; at < unread.Count; at += NodesOfARead)
                Read(unread.Slice(at, Math.Min(NodesOfARead, unread.Count - at)), changes, below);
            (unread, below) = (below, unread);
            below.Clear();
        }
    }

    /// <summary>Goes down as far as the nodes are in memory.</summary>
    private void Look(TrieNode node, ReadOnlySpan<TrieChange> changes, int from, int to, int depth, List<Unread> unread)
    {
        if (node is ExtensionNode extension && LeadTo(changes[from..to], extension.End))
            Look(Below(extension), changes, from, to, extension.End.Length, unread);
        if (node is not BranchNode branch) return;
        if (changes[from].Key.Length == depth) from++;
        while (from < to)
        {
            var nibble = changes[from].Key[depth];
            var end = EndOfGroup(changes[..to], from, depth);
            if (branch.NodeAt(nibble) is { } child) Look(child, changes, from, end, depth + 1, unread);
            else if (branch.IsHashed(nibble) && !IsReplacedUnread(branch, nibble, changes[from..end]))
                unread.Add(new Unread(branch, nibble, from, end, depth + 1));
            from = end;
        }
    }

    private TrieNode Below(ExtensionNode extension)
    {
        ref var child = ref extension.Child;
        if (child.Node is null) child = child with { Node = Load(child.Hash, extension.End) };
        return child.Node!;
    }

    private void Read(List<Unread> unread, ReadOnlySpan<TrieChange> changes, List<Unread> below)
    {
        var places = new (TrieNodeKey Key, Hash256 Hash)[unread.Count];
        for (var i = 0; i < places.Length; i++)
        {
            var (branch, nibble, from, _, depth) = unread[i];
            places[i] = (new TrieNodeKey(owner, changes[from].Key.Take(depth)), branch.HashAt(nibble));
        }

        var rows = source!.LoadNodes(places);
        for (var i = 0; i < rows.Length; i++)
        {
            var (branch, nibble, from, to, depth) = unread[i];
            var node = Made(NodeRow.Decode(rows[i], places[i].Key.Path));
            branch.Attach(nibble, node);
            Look(node, changes, from, to, depth, below);
        }
    }

    private static bool LeadTo(ReadOnlySpan<TrieChange> changes, in NibblePath end) =>
        changes[0].Key.CommonPrefix(end) == end.Length && changes[^1].Key.CommonPrefix(end) == end.Length;
}
