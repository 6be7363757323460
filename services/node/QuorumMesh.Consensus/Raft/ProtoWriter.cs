namespace QuorumMesh.Consensus.Raft;

/// <summary>The few protobuf forms raftpb uses: varints and length-delimited fields.</summary>
internal ref struct ProtoWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    public int Position { get; private set; }

    public void Varint(int field, ulong value)
    {
        Raw((ulong)field << 3);
        Raw(value);
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Header(field, value.Length);
        value.CopyTo(_buffer[Position..]);
        Position += value.Length;
    }

    public void Header(int field, int length)
    {
        Raw((ulong)field << 3 | 2);
        Raw((ulong)length);
    }

    public static int VarintSize(ulong value)
    {
        var size = 1;
        while ((value >>= 7) != 0) size++;
        return size;
    }

    private void Raw(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _buffer[Position++] = (byte)(value | 0x80);
        _buffer[Position++] = (byte)value;
    }
}
