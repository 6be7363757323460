namespace QuorumMesh.Consensus.Raft;

/// <summary>Reads protobuf fields in order; unknown fields are for the caller to skip.</summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position;
    private int _wireType;

    public bool TryNext(out int field)
    {
        field = 0;
        if (_position >= _data.Length) return false;
        var key = Raw();
        _wireType = (int)(key & 7);
        if (key >> 3 is 0 or > 0x1fffffff) throw new RaftFormatException($"protobuf field number {key >> 3} at byte {_position}");
        field = (int)(key >> 3);
        return true;
    }

    public ulong Varint()
    {
        if (_wireType != 0) throw new RaftFormatException($"varint expected at byte {_position}, wire type {_wireType} found");
        return Raw();
    }

    public ReadOnlySpan<byte> Bytes()
    {
        if (_wireType != 2) throw new RaftFormatException($"bytes expected at byte {_position}, wire type {_wireType} found");
        return Take(Raw());
    }

    public void Skip()
    {
        switch (_wireType)
        {
            case 0: Raw(); break;
            case 1: Take(8); break;
            case 2: Take(Raw()); break;
            case 5: Take(4); break;
            default: throw new RaftFormatException($"protobuf wire type {_wireType} at byte {_position} is not supported");
        }
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(_data.Length - _position))
            throw new RaftFormatException($"{length} bytes announced at byte {_position}, {_data.Length - _position} left");
        var result = _data.Slice(_position, (int)length);
        _position += (int)length;
        return result;
    }

    private ulong Raw()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (_position >= _data.Length) throw new RaftFormatException("message ends inside a varint");
            var b = _data[_position++];
            // The tenth byte holds bit 63 alone; more would overflow without a word.
            if (shift == 63 && b > 1) break;
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new RaftFormatException($"varint at byte {_position} is longer than 64 bits");
    }
}
