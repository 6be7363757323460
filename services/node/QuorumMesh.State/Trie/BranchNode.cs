using System.Diagnostics;
using System.Numerics;
using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>
/// Up to sixteen children and a value. Takes memory for the children that are there, and for their nodes once one of them is in
/// memory.
/// </summary>
internal sealed class BranchNode : TrieNode
{
    private Hash256[] _hashes;
    private TrieNode?[]? _nodes;
    private ushort _present;
    private ushort _hashed;
    private ushort _leaves; // of those not in memory

    public BranchNode() => _hashes = [];

    /// <param name="children">A bit for each child that <see cref="Put"/> is going to give.</param>
    public BranchNode(ushort children)
    {
        _present = children;
        _hashes = new Hash256[BitOperations.PopCount(children)];
    }

    private BranchNode(BranchNode other)
    {
        _hashes = [.. other._hashes];
        _nodes = other._nodes is { } nodes ? [.. nodes] : null;
        (_present, _hashed, _leaves, Value) = (other._present, other._hashed, other._leaves, other.Value);
    }

    /// <summary>Empty when there is none.</summary>
    public byte[] Value { get; private set; } = [];

    public override int Bytes => 80 + 32 * _hashes.Length + (_nodes is null ? 0 : 24 + 8 * _hashes.Length) + Value.Length;

    public TrieChild this[int index] => IsPresent(index) ? new TrieChild(NodeAt(index), HashAt(index), IsHashed(index)) : default;

    /// <summary>Children and value.</summary>
    public int Count => BitOperations.PopCount(_present) + (Value.Length > 0 ? 1 : 0);

    /// <summary>The only child of a branch without value; -1 when there is none.</summary>
    public int LoneChild => _present == 0 ? -1 : BitOperations.TrailingZeroCount(_present);

    /// <summary>A bit for each child that is referred to by its hash.</summary>
    public ushort Hashed => _hashed;

    public bool IsPresent(int index) => (_present >> index & 1) != 0;

    public bool IsHashed(int index) => (_hashed >> index & 1) != 0;

    /// <summary>
    /// True for a leaf that is known as one although its node is not in memory. Others of these children may be leaves as well.
    /// </summary>
    public bool IsDroppedLeaf(int index) => (_leaves >> index & 1) != 0 && NodeAt(index) is null;

    public TrieNode? NodeAt(int index) => _nodes is { } nodes && IsPresent(index) ? nodes[Rank(index)] : null;

    /// <summary>Of a child that is there.</summary>
    public ref readonly Hash256 HashAt(int index) => ref _hashes[Rank(index)];

    /// <summary>A bit for each child with a hash that is known to be a leaf.</summary>
    public ushort KnownLeaves()
    {
        var known = _leaves;
        for (var rest = (uint)_hashed; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            if (NodeAt(index) is { } node) known = (ushort)(node is LeafNode ? known | 1 << index : known & ~(1 << index));
        }

        return known;
    }

    /// <summary>What the store knows of the children.</summary>
    public void MarkLeaves(ushort leaves) => _leaves = (ushort)(leaves & _hashed);

    /// <summary>From now on several threads may attach, each its own child.</summary>
    public void MakeRoom() => _nodes ??= new TrieNode?[_hashes.Length];

    /// <summary>A child's node was loaded; the reference stays the same.</summary>
    public void Attach(int index, TrieNode node)
    {
        MakeRoom();
        _nodes![Rank(index)] = node;
    }

    /// <summary>Lets a child's node go that the store holds; the reference stays the same.</summary>
    public void Drop(int index)
    {
        Debug.Assert(IsHashed(index), "an inline node has no other place");
        var bit = 1 << index;
        _leaves = (ushort)(NodeAt(index) is LeafNode ? _leaves | bit : _leaves & ~bit);
        _nodes![Rank(index)] = null;
    }

    /// <summary>Frees what no child's node needs.</summary>
    public void Compact()
    {
        if (_nodes is { } nodes && Array.TrueForAll(nodes, static n => n is null)) _nodes = null;
    }

    public BranchNode Copy() => new(this);

    public override TrieNode Moved() => Copy();

    /// <summary>Only while the branch is being made.</summary>
    public void Put(int index, in TrieChild child)
    {
        if (child.IsEmpty)
        {
            if (IsPresent(index)) Remove(index);
            return;
        }

        if (!IsPresent(index)) Insert(index);
        var (at, bit) = (Rank(index), 1 << index);
        _hashes[at] = child.Hash;
        if (child.Node is not null) MakeRoom();
        if (_nodes is { } nodes) nodes[at] = child.Node;
        _hashed = (ushort)(child.IsHashed ? _hashed | bit : _hashed & ~bit);
        _leaves = (ushort)(_leaves & ~bit);
    }

    /// <summary>Only while the branch is being made.</summary>
    public void PutValue(byte[] value) => Value = value;

    private int Rank(int index) => BitOperations.PopCount((uint)(_present & ((1 << index) - 1)));

    private void Insert(int index)
    {
        var at = Rank(index);
        _hashes = [.. _hashes.AsSpan(0, at), default, .. _hashes.AsSpan(at)];
        if (_nodes is { } nodes) _nodes = [.. nodes.AsSpan(0, at), null, .. nodes.AsSpan(at)];
        _present |= (ushort)(1 << index);
    }

    private void Remove(int index)
    {
        var at = Rank(index);
        _hashes = [.. _hashes.AsSpan(0, at), .. _hashes.AsSpan(at + 1)];
        if (_nodes is { } nodes) _nodes = [.. nodes.AsSpan(0, at), .. nodes.AsSpan(at + 1)];
        var bit = 1 << index;
        (_present, _hashed, _leaves) = ((ushort)(_present & ~bit), (ushort)(_hashed & ~bit), (ushort)(_leaves & ~bit));
    }
}
