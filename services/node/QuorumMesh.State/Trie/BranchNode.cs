using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>
/// Sixteen children and a value. One read from its RLP keeps that and decodes a child only when it is asked for: most of the
/// children of a touched branch are never looked at.
/// </summary>
internal sealed class BranchNode : TrieNode
{
    private readonly byte[]? _source;
    private readonly TrieNode?[] _children = new TrieNode?[16];
    private int _decoded;

    public BranchNode()
    {
        _decoded = 0xffff;
        Value = [];
    }

    public BranchNode(byte[] source)
    {
        _source = source;
        var at = NodeDecoding.ListStart(source);
        for (var i = 0; i < 16; i++)
            at = NodeDecoding.ItemEnd(source, at);
        Value = NodeDecoding.String(source, at).ToArray();
    }

    /// <summary>Empty when there is none.</summary>
    public byte[] Value { get; set; }

    public TrieNode? this[int index]
    {
        get => IsDecoded(index) ? _children[index] : _children[index] = Decode(index);
        set
        {
            _children[index] = value;
            _decoded |= 1 << index;
        }
    }

    /// <summary>The child when it is an object already, without decoding the source.</summary>
    public TrieNode? InMemory(int index) => IsDecoded(index) ? _children[index] : null;

    /// <summary>Number of children and value; <paramref name="lastChild"/> is the highest child's index, -1 when there is none.</summary>
    public int CountItems(out int lastChild)
    {
        lastChild = -1;
        var count = Value.Length > 0 ? 1 : 0;
        var at = _source is null ? 0 : NodeDecoding.ListStart(_source);
        for (var i = 0; i < 16; i++)
        {
            var present = IsDecoded(i) ? _children[i] is not null : _source![at] != 0x80;
            if (_source is not null) at = NodeDecoding.ItemEnd(_source, at);
            if (!present) continue;
            count++;
            lastChild = i;
        }

        return count;
    }

    /// <summary>The RLP, from children that are all clean.</summary>
    public byte[] Encode()
    {
        var length = NodeEncoding.LengthOfString(Value.Length, Value.Length > 0 ? Value[0] : (byte)0x80);
        var from = _source is null ? 0 : NodeDecoding.ListStart(_source);
        for (var i = 0; i < 16; i++)
        {
            var end = _source is null ? 0 : NodeDecoding.ItemEnd(_source, from);
            length += IsDecoded(i) ? _children[i]?.ReferenceLength ?? 1 : end - from;
            from = end;
        }

        var encoded = NodeEncoding.StartList(length, out var at);
        from = _source is null ? 0 : NodeDecoding.ListStart(_source);
        for (var i = 0; i < 16; i++)
        {
            var end = _source is null ? 0 : NodeDecoding.ItemEnd(_source, from);
            at = WriteChild(encoded, at, i, from, end);
            from = end;
        }

        NodeEncoding.WriteString(encoded, at, Value);
        return encoded;
    }

    private int WriteChild(byte[] encoded, int at, int index, int from, int end)
    {
        if (!IsDecoded(index))
        {
            _source.AsSpan(from, end - from).CopyTo(encoded.AsSpan(at));
            return at + end - from;
        }

        if (_children[index] is { } child) return child.WriteReference(encoded, at);
        encoded[at] = 0x80;
        return at + 1;
    }

    private bool IsDecoded(int index) => (_decoded & 1 << index) != 0;

    private TrieNode? Decode(int index)
    {
        var at = NodeDecoding.ListStart(_source!);
        for (var i = 0; i < index; i++)
            at = NodeDecoding.ItemEnd(_source!, at);
        _decoded |= 1 << index;
        return NodeDecoding.Reference(_source!, at);
    }
}
