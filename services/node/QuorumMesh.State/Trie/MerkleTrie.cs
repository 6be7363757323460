using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>
/// A hexary Merkle-Patricia trie over stored nodes (Yellow Paper, appendix D). Loads only the paths it touches, changes them in
/// place, and hands out what must be written and deleted. Keys have at most 32 bytes.
/// </summary>
internal sealed class MerkleTrie
{
    private readonly ITrieNodeSource? _source;
    private readonly Address? _owner;
    private readonly HashSet<NibblePath> _loaded = [];
    private readonly byte[] _nibbles = new byte[NibblePath.MaxLength];
    private TrieNode? _root;

    /// <param name="source">Null for a trie that starts empty and is never loaded.</param>
    /// <param name="owner">The account of a storage trie; null for the account trie.</param>
    public MerkleTrie(ITrieNodeSource? source, in Address? owner, in Hash256 root)
    {
        _source = source;
        _owner = owner;
        if (root != Hash256.EmptyTrie) _root = new HashNode(root);
    }

    /// <returns>Null when absent.</returns>
    public byte[]? Get(ReadOnlySpan<byte> key) => Walk(key, null);

    /// <summary>The stored nodes from the root to where the key is or would be, as eth_getProof gives them.</summary>
    public List<byte[]> Prove(ReadOnlySpan<byte> key)
    {
        var nodes = new List<byte[]>();
        Walk(key, nodes);
        return nodes;
    }

    /// <summary>An empty value deletes.</summary>
    public void Set(ReadOnlySpan<byte> key, byte[] value)
    {
        if (value.Length == 0) Delete(key);
        else _root = Insert(_root, Split(key), 0, value);
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        if (_root is not null) _root = Remove(_root, Split(key), 0);
    }

    /// <summary>Encodes what changed and gives the root; the trie's last use. Written and vanished nodes go to <paramref name="changes"/>.</summary>
    public Hash256 Commit(Dictionary<TrieNodeKey, StoredNode>? changes)
    {
        if (_root is not null) Commit(_root, default, changes, isRoot: true);
        if (changes is not null)
        {
            foreach (var path in _loaded)
                changes[new TrieNodeKey(_owner, path)] = default;
        }

        _loaded.Clear();
        return _root?.Hash ?? Hash256.EmptyTrie;
    }

    private byte[]? Walk(ReadOnlySpan<byte> key, List<byte[]>? proof)
    {
        var nibbles = Split(key);
        var node = _root;
        var depth = 0;
        while (node is not null)
        {
            if (node is HashNode) node = Load(node, NibblePath.Of(nibbles[..depth]));
            if (proof is not null && (!node.IsInline || depth == 0)) proof.Add(node.Encoded!);
            switch (node)
            {
                case LeafNode leaf:
                    return nibbles[depth..].SequenceEqual(leaf.Nibbles) ? leaf.Value : null;
                case ExtensionNode extension:
                    if (!nibbles[depth..].StartsWith(extension.Nibbles)) return null;
                    depth += extension.Nibbles.Length;
                    node = extension.Child;
                    break;
                case BranchNode branch:
                    if (depth == nibbles.Length) return branch.Value.Length > 0 ? branch.Value : null;
                    node = branch[nibbles[depth++]];
                    break;
            }
        }

        return null;
    }

    private TrieNode Insert(TrieNode? node, ReadOnlySpan<byte> nibbles, int depth, byte[] value)
    {
        switch (node)
        {
            case null:
                return new LeafNode(nibbles[depth..].ToArray(), value);
            case HashNode:
                return Insert(Resolve(node, nibbles[..depth]), nibbles, depth, value);
            case LeafNode leaf:
                return InsertAtLeaf(leaf, nibbles, depth, value);
            case ExtensionNode extension:
                return InsertAtExtension(extension, nibbles, depth, value);
            default:
                return InsertAtBranch((BranchNode)node, nibbles, depth, value);
        }
    }

    private TrieNode InsertAtLeaf(LeafNode leaf, ReadOnlySpan<byte> nibbles, int depth, byte[] value)
    {
        var rest = nibbles[depth..];
        var common = rest.CommonPrefixLength(leaf.Nibbles);
        if (common == rest.Length && common == leaf.Nibbles.Length)
        {
            if (leaf.Value.AsSpan().SequenceEqual(value)) return leaf;
            leaf.Value = value;
            leaf.MarkDirty();
            return leaf;
        }

        var branch = new BranchNode();
        if (common == leaf.Nibbles.Length) branch.Value = leaf.Value;
        else branch[leaf.Nibbles[common]] = new LeafNode(leaf.Nibbles[(common + 1)..], leaf.Value);
        return Prefixed(rest[..common], InsertAtBranch(branch, nibbles, depth + common, value));
    }

    private TrieNode InsertAtExtension(ExtensionNode extension, ReadOnlySpan<byte> nibbles, int depth, byte[] value)
    {
        var rest = nibbles[depth..];
        var common = rest.CommonPrefixLength(extension.Nibbles);
        if (common == extension.Nibbles.Length)
        {
            extension.Child = Insert(extension.Child, nibbles, depth + common, value);
            if (!extension.Child.IsClean) extension.MarkDirty();
            return extension;
        }

        var branch = new BranchNode();
        branch[extension.Nibbles[common]] = Prefixed(extension.Nibbles.AsSpan(common + 1), extension.Child);
        return Prefixed(rest[..common], InsertAtBranch(branch, nibbles, depth + common, value));
    }

    private BranchNode InsertAtBranch(BranchNode branch, ReadOnlySpan<byte> nibbles, int depth, byte[] value)
    {
        if (depth == nibbles.Length)
        {
            if (branch.Value.AsSpan().SequenceEqual(value)) return branch;
            branch.Value = value;
            branch.MarkDirty();
            return branch;
        }

        var child = Insert(branch[nibbles[depth]], nibbles, depth + 1, value);
        branch[nibbles[depth]] = child;
        if (!child.IsClean) branch.MarkDirty();
        return branch;
    }

    private TrieNode? Remove(TrieNode node, ReadOnlySpan<byte> nibbles, int depth)
    {
        switch (node)
        {
            case HashNode:
                return Remove(Resolve(node, nibbles[..depth]), nibbles, depth);
            case LeafNode leaf:
                return nibbles[depth..].SequenceEqual(leaf.Nibbles) ? null : leaf;
            case ExtensionNode extension:
                return RemoveAtExtension(extension, nibbles, depth);
            default:
                return RemoveAtBranch((BranchNode)node, nibbles, depth);
        }
    }

    private TrieNode? RemoveAtExtension(ExtensionNode extension, ReadOnlySpan<byte> nibbles, int depth)
    {
        if (!nibbles[depth..].StartsWith(extension.Nibbles)) return extension;
        var child = Remove(extension.Child, nibbles, depth + extension.Nibbles.Length);
        if (child is null) return null;
        if (!child.IsClean && child is not BranchNode) return Prefixed(extension.Nibbles, child);
        extension.Child = child;
        if (!child.IsClean) extension.MarkDirty();
        return extension;
    }

    private TrieNode? RemoveAtBranch(BranchNode branch, ReadOnlySpan<byte> nibbles, int depth)
    {
        if (depth == nibbles.Length)
        {
            if (branch.Value.Length == 0) return branch;
            branch.Value = [];
        }
        else
        {
            var index = nibbles[depth];
            if (branch[index] is not { } child) return branch;
            var left = Remove(child, nibbles, depth + 1);
            branch[index] = left;
            if (left is { IsClean: true }) return branch;
        }

        branch.MarkDirty();
        return Collapse(branch, nibbles[..depth]);
    }

    /// <summary>A branch with one item left becomes a shorter node; a lone child must be loaded to know how.</summary>
    private TrieNode? Collapse(BranchNode branch, ReadOnlySpan<byte> path)
    {
        var count = branch.CountItems(out var last);
        if (count > 1) return branch;
        if (count == 0) return null;
        if (last < 0) return new LeafNode([], branch.Value);
        Span<byte> childPath = stackalloc byte[path.Length + 1];
        path.CopyTo(childPath);
        childPath[^1] = (byte)last;
        return Prefixed(childPath[^1..], Resolve(branch[last]!, childPath));
    }

    /// <summary>The node below some more nibbles: leaves and extensions absorb them, anything else gets an extension.</summary>
    private static TrieNode Prefixed(ReadOnlySpan<byte> nibbles, TrieNode node) => nibbles.Length == 0 ? node : node switch
    {
        LeafNode leaf => new LeafNode([.. nibbles, .. leaf.Nibbles], leaf.Value),
        ExtensionNode extension => new ExtensionNode([.. nibbles, .. extension.Nibbles], extension.Child),
        _ => new ExtensionNode(nibbles.ToArray(), node),
    };

    private TrieNode Resolve(TrieNode node, ReadOnlySpan<byte> nibbles)
    {
        if (node is not HashNode) return node;
        var path = NibblePath.Of(nibbles);
        _loaded.Add(path);
        return Load(node, path);
    }

    private TrieNode Load(TrieNode node, in NibblePath path)
    {
        var key = new TrieNodeKey(_owner, path);
        if (_source is null) throw new StateCorruptException($"no store to load the node of the {key} from");
        return NodeDecoding.Node(_source.LoadNode(key, node.Hash), node.Hash);
    }

    private void Commit(TrieNode node, in NibblePath path, Dictionary<TrieNodeKey, StoredNode>? changes, bool isRoot)
    {
        if (node is HashNode) return;
        CommitChildren(node, path, changes);
        if (node.IsClean)
        {
            if (!node.IsInline || isRoot) _loaded.Remove(path);
            return;
        }

        var encoded = Encode(node);
        var stored = encoded.Length >= 32 || isRoot;
        node.MarkClean(encoded, stored ? Keccak.Hash(encoded) : default);
        if (!stored || changes is null) return;
        changes[new TrieNodeKey(_owner, path)] = new StoredNode(encoded, node.Hash);
        _loaded.Remove(path);
    }

    private void CommitChildren(TrieNode node, in NibblePath path, Dictionary<TrieNodeKey, StoredNode>? changes)
    {
        if (node is ExtensionNode extension)
        {
            Commit(extension.Child, path.Append(extension.Nibbles), changes, isRoot: false);
        }
        else if (node is BranchNode branch)
        {
            for (var i = 0; i < 16; i++)
            {
                if (branch.InMemory(i) is { } child) Commit(child, path.Append(i), changes, isRoot: false);
            }
        }
    }

    private static byte[] Encode(TrieNode node)
    {
        if (node is BranchNode branch) return branch.Encode();
        if (node is LeafNode leaf) return NodeEncoding.Short(leaf.Nibbles, true, leaf.Value);
        var extension = (ExtensionNode)node;
        var reference = new byte[extension.Child.ReferenceLength];
        extension.Child.WriteReference(reference, 0);
        return NodeEncoding.Short(extension.Nibbles, false, reference);
    }

    private ReadOnlySpan<byte> Split(ReadOnlySpan<byte> key)
    {
        if (key.Length > 32) throw new ArgumentException($"a key has at most 32 bytes, not {key.Length}", nameof(key));
        for (var i = 0; i < key.Length; i++)
        {
            _nibbles[2 * i] = (byte)(key[i] >> 4);
            _nibbles[2 * i + 1] = (byte)(key[i] & 15);
        }

        return _nibbles.AsSpan(0, key.Length * 2);
    }
}
