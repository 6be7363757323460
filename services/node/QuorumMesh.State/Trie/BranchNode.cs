using System.Numerics;
using System.Runtime.CompilerServices;
using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Sixteen children and a value.</summary>
internal sealed class BranchNode : TrieNode
{
    private Nodes _nodes;
    private Hashes _hashes;
    private ushort _present;
    private ushort _hashed;

    /// <summary>Empty when there is none.</summary>
    public byte[] Value { get; private set; } = [];

    public override int Bytes => 720 + Value.Length;

    public TrieChild this[int index] => new(_nodes[index], _hashes[index], IsHashed(index));

    /// <summary>Children and value.</summary>
    public int Count => BitOperations.PopCount(_present) + (Value.Length > 0 ? 1 : 0);

    /// <summary>The only child of a branch without value; -1 when there is none.</summary>
    public int LoneChild => _present == 0 ? -1 : BitOperations.TrailingZeroCount(_present);

    public bool IsPresent(int index) => (_present >> index & 1) != 0;

    public bool IsHashed(int index) => (_hashed >> index & 1) != 0;

    public TrieNode? NodeAt(int index) => _nodes[index];

    public ref readonly Hash256 HashAt(int index) => ref Unsafe.AsRef(in _hashes)[index];

    /// <summary>Loads or drops a child's node; the reference stays the same.</summary>
    public void Attach(int index, TrieNode? node) => _nodes[index] = node;

    public BranchNode Copy() => new() { _nodes = _nodes, _hashes = _hashes, _present = _present, _hashed = _hashed, Value = Value };

    public override TrieNode Moved() => Copy();

    /// <summary>Only while the branch is being made.</summary>
    public void Put(int index, in TrieChild child)
    {
        _nodes[index] = child.Node;
        _hashes[index] = child.Hash;
        var bit = (ushort)(1 << index);
        _present = child.IsEmpty ? (ushort)(_present & ~bit) : (ushort)(_present | bit);
        _hashed = child.IsHashed ? (ushort)(_hashed | bit) : (ushort)(_hashed & ~bit);
    }

    /// <summary>Only while the branch is being made.</summary>
    public void PutValue(byte[] value) => Value = value;

    [InlineArray(16)]
    private struct Nodes
    {
        private TrieNode? _first;
    }

    [InlineArray(16)]
    private struct Hashes
    {
        private Hash256 _first;
    }
}
