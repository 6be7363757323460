using System.Diagnostics;
using System.Numerics;
using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>
/// Puts sorted changes into a trie in one walk: from the root down to each change once, and hashed on the way back. The old trie
/// stays as it was; the new one shares what did not change. Loads what it needs from the store.
/// </summary>
/// <param name="source">Null for a trie that is all in memory.</param>
/// <param name="owner">The account of a storage trie; null for the account trie.</param>
/// <param name="epoch">Of now: marks what is walked.</param>
internal sealed partial class TrieUpdate(ITrieNodeSource? source, Address? owner, int epoch)
{
    /// <summary>A piece handed to another core costs some microseconds; so many changes are worth that.</summary>
    private const int ChangesWorthSplitting = 64;

    private readonly List<NibblePath> _vanished = [];

    /// <summary>Places of nodes of the old trie where the new one has none with a hash: rows of the store to delete.</summary>
    public IReadOnlyList<NibblePath> Vanished => _vanished;

    /// <summary>Approximate growth in memory: nodes made or loaded, less those that the new trie does without.</summary>
    public long Bytes { get; private set; }

    /// <param name="root">As <see cref="TrieChild.OfRoot"/> or an earlier answer.</param>
    /// <param name="changes">Ascending, each key once.</param>
    /// <param name="split">Runs independent pieces, perhaps on several cores; null for one after the other.</param>
    public TrieChild Apply(in TrieChild root, TrieChange[] changes, SplitWork? split = null)
    {
        Debug.Assert(changes.Zip(changes.Skip(1)).All(p => p.First.CompareTo(p.Second) < 0), "changes must ascend");
        if (changes.Length == 0) return root;
        var node = root.IsEmpty ? null : Resolve(root, default);
        var next = node is BranchNode branch && split is not null && changes.Length >= ChangesWorthSplitting
            ? UpdateRoot(branch, changes, split)
            : UpdateRead(node, changes);
        if (ReferenceEquals(next, node)) return root with { Node = node };
        if (next is null && root.IsHashed) _vanished.Add(default);
        return NodeCodec.SealRoot(next);
    }

    private TrieNode? UpdateRead(TrieNode? root, TrieChange[] changes)
    {
        if (root is not null) ReadAhead(root, changes, 0);
        return Update(root, changes, default);
    }

    /// <returns>The same node when nothing changes, null when nothing is left.</returns>
    private TrieNode? Update(TrieNode? node, ReadOnlySpan<TrieChange> changes, in NibblePath path) => node switch
    {
        null => Build(changes, path.Length),
        LeafNode leaf => UpdateLeaf(leaf, changes, path.Length),
        ExtensionNode extension => UpdateExtension(extension, changes, path),
        _ => UpdateBranch((BranchNode)node, changes, path),
    };

    private TrieNode? UpdateLeaf(LeafNode leaf, ReadOnlySpan<TrieChange> changes, int depth)
    {
        var present = new TrieChange(leaf.Key, leaf.Value);
        Bytes -= leaf.Bytes;
        if (changes.Length == 1 && changes[0].Key.Equals(leaf.Key))
            return changes[0].Value.AsSpan().SequenceEqual(leaf.Value) ? Made(leaf) : Build(changes, depth);
        var at = changes.BinarySearch(present);
        TrieChange[] all = at >= 0 ? changes.ToArray() : [.. changes[..~at], present, .. changes[~at..]];
        var built = Build(all, depth);
        return built is LeafNode same && same.Key.Equals(leaf.Key) && same.Value.AsSpan().SequenceEqual(leaf.Value) ? leaf : built;
    }

    /// <summary>An extension is taken as branches with one child each, which join again when they stay alone.</summary>
    private TrieNode? UpdateExtension(ExtensionNode extension, ReadOnlySpan<TrieChange> changes, in NibblePath path)
    {
        var depth = path.Length;
        var nibble = extension.End[depth];
        var branch = new BranchNode();
        branch.Put(nibble, extension.End.Length == depth + 1 ? extension.Child : new TrieChild(extension, default, false));
        var next = UpdateBranch(branch, changes, path);
        if (extension.End.Length == depth + 1) extension.Child = extension.Child with { Node = branch.NodeAt(nibble) };
        if (ReferenceEquals(next, branch)) return extension;
        Bytes += branch.Bytes - extension.Bytes; // the branch was never one of the trie's
        if (next is BranchNode split && ReferenceEquals(split.NodeAt(nibble), extension))
            split.Put(nibble, Seal(extension.Moved(), depth + 1));
        return next;
    }

    private TrieNode? UpdateBranch(BranchNode branch, ReadOnlySpan<TrieChange> changes, in NibblePath path)
    {
        BranchNode? copy = null;
        var at = 0;
        if (changes[0].Key.Length == path.Length)
        {
            if (!changes[0].Value.AsSpan().SequenceEqual(branch.Value)) (copy = branch.Copy()).PutValue(changes[0].Value);
            at = 1;
        }

        while (at < changes.Length)
        {
            var nibble = changes[at].Key[path.Length];
            var end = EndOfGroup(changes, at, path.Length);
            var below = path.Append(nibble);
            if (UpdateChild(branch, nibble, changes[at..end], below, out var child)) (copy ??= branch.Copy()).Put(nibble, child);
            at = end;
        }

        return copy is null ? branch : Finish(branch, copy, path);
    }

    /// <summary>The sixteen subtries of a root are pieces of work of their own.</summary>
    private TrieNode? UpdateRoot(BranchNode root, TrieChange[] changes, SplitWork split)
    {
        var groups = new List<Range>(16);
        for (var at = 0; at < changes.Length; at = groups[^1].End.Value)
            groups.Add(at..EndOfGroup(changes, at, 0));
        root.MakeRoom();
        var pieces = new TrieUpdate[groups.Count];
        var children = new TrieChild?[groups.Count];
        split(groups.Count, i =>
        {
            var group = changes.AsSpan(groups[i]);
            var nibble = group[0].Key[0];
            pieces[i] = new TrieUpdate(source, owner, epoch);
            pieces[i].ReadAhead(root, group, 0);
            if (pieces[i].UpdateChild(root, nibble, group, default(NibblePath).Append(nibble), out var child)) children[i] = child;
        });

        BranchNode? copy = null;
        for (var i = 0; i < pieces.Length; i++)
        {
            _vanished.AddRange(pieces[i]._vanished);
            Bytes += pieces[i].Bytes;
            if (children[i] is { } child) (copy ??= root.Copy()).Put(changes[groups[i].Start].Key[0], child);
        }

        return copy is null ? root : Finish(root, copy, default);
    }

    /// <returns>False when the child stays as it is.</returns>
    private bool UpdateChild(BranchNode branch, int nibble, ReadOnlySpan<TrieChange> changes, in NibblePath path, out TrieChild child)
    {
        if (IsReplacedUnread(branch, nibble, changes)) return ReplaceLeaf(branch, nibble, changes[0], path.Length, out child);
        var old = branch.IsPresent(nibble) ? Resolve(branch, nibble, path) : null;
        var next = Update(old, changes, path);
        child = next is null ? default : Seal(next, path.Length);
        return !ReferenceEquals(next, old);
    }

    private static bool IsReplacedUnread(BranchNode branch, int nibble, ReadOnlySpan<TrieChange> changes) =>
        changes is [{ Exists: true }] && branch.IsDroppedLeaf(nibble);

    /// <summary>A leaf where the key is known to be can be no other's: it need not be loaded to be replaced.</summary>
    private bool ReplaceLeaf(BranchNode branch, int nibble, in TrieChange change, int depth, out TrieChild child)
    {
        child = change.Deletes ? default : Seal(Made(new LeafNode(change.Key, change.Value)), depth);
        return !child.IsHashed || child.Hash != branch.HashAt(nibble);
    }

    /// <summary>Notes the vanished children; a branch with one item left becomes a shorter node.</summary>
    private TrieNode? Finish(BranchNode old, BranchNode next, in NibblePath path)
    {
        for (var gone = (uint)(old.Hashed & ~next.Hashed); gone != 0; gone &= gone - 1)
            _vanished.Add(path.Append(BitOperations.TrailingZeroCount(gone)));

        Bytes -= old.Bytes;
        if (next.Count > 1) return Made(next);

        if (next.Count == 0) return null;
        var lone = next.LoneChild;
        if (lone < 0) return Made(new LeafNode(path, next.Value));
        var below = path.Append(lone);
        var child = Resolve(next, lone, below);
        // A branch with one child left would give another root than a trie that never had the others: it becomes an extension, or
        // joins with the leaf or extension below (Yellow Paper, appendix D).
        if (child is BranchNode) return Made(new ExtensionNode(below, next[lone]));
        // The child moves up into this place; its own row goes.
        if (old.IsHashed(lone) && next.IsHashed(lone)) _vanished.Add(below);
        return Made(child.Moved());
    }

    /// <param name="changes">Of an empty place.</param>
    private TrieNode? Build(ReadOnlySpan<TrieChange> changes, int depth)
    {
        foreach (ref readonly var change in changes)
        {
            if (change.Deletes) return Build(WithoutDeletes(changes), depth);
        }

        return changes.Length switch
        {
            0 => null,
            1 => Made(new LeafNode(changes[0].Key, changes[0].Value)),
            _ => BuildInner(changes, depth),
        };
    }

    private TrieNode BuildInner(ReadOnlySpan<TrieChange> changes, int depth)
    {
        var common = changes[0].Key.CommonPrefix(changes[^1].Key);
        if (common > depth) return Made(new ExtensionNode(changes[0].Key.Take(common), Seal(BuildInner(changes, common), common)));
        var branch = new BranchNode(ChildrenOf(changes, depth));
        var at = 0;
        if (changes[0].Key.Length == depth) branch.PutValue(changes[at++].Value);
        while (at < changes.Length)
        {
            var end = EndOfGroup(changes, at, depth);
            branch.Put(changes[at].Key[depth], Seal(Build(changes[at..end], depth + 1)!, depth + 1));
            at = end;
        }

        return Made(branch);
    }

    private static ushort ChildrenOf(ReadOnlySpan<TrieChange> changes, int depth)
    {
        var children = 0;
        foreach (ref readonly var change in changes)
        {
            if (change.Key.Length > depth) children |= 1 << change.Key[depth];
        }

        return (ushort)children;
    }

    private static TrieChange[] WithoutDeletes(ReadOnlySpan<TrieChange> changes)
    {
        var kept = new List<TrieChange>(changes.Length);
        foreach (ref readonly var change in changes)
        {
            if (!change.Deletes) kept.Add(change);
        }

        return [.. kept];
    }

    private static int EndOfGroup(ReadOnlySpan<TrieChange> changes, int start, int depth)
    {
        var nibble = changes[start].Key[depth];
        var end = start + 1;
        while (end < changes.Length && changes[end].Key[depth] == nibble) end++;
        return end;
    }

    private TrieNode Made(TrieNode node)
    {
        Bytes += node.Bytes;
        node.Epoch = epoch;
        return node;
    }

    private static TrieChild Seal(TrieNode node, int depth) => NodeCodec.Seal(node, depth);

    private TrieNode Resolve(BranchNode branch, int nibble, in NibblePath path)
    {
        if (branch.NodeAt(nibble) is { } present)
        {
            present.Epoch = epoch;
            return present;
        }

        var node = Load(branch.HashAt(nibble), path);
        branch.Attach(nibble, node);
        return node;
    }

    private TrieNode Resolve(in TrieChild root, in NibblePath path) => root.Node ?? Load(root.Hash, path);

    private TrieNode Load(in Hash256 hash, in NibblePath path)
    {
        var node = TrieLoading.Load(source, owner, hash, path);
        return Made(node);
    }
}
