using System.Buffers;
using System.Buffers.Binary;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Storage.RaftLog;

internal enum RaftLogItem : byte { HardState = 1, Entry = 2, SnapshotMark = 3, Base = 4 }

/// <summary>Payload of a frame: items of kind u8 ‖ length u32 ‖ bytes. Entries and hard state are raftpb bytes.</summary>
internal static class RaftLogPayload
{
    public const int ItemHeader = 5;

    public static void Add(ArrayBufferWriter<byte> output, RaftHardState state) =>
        Add(output, RaftLogItem.HardState, RaftWire.Encode(state));

    public static void Add(ArrayBufferWriter<byte> output, RaftEntry entry)
    {
        var size = RaftWire.SizeOf(entry);
        var span = Begin(output, RaftLogItem.Entry, size);
        RaftWire.Encode(entry, span.Slice(ItemHeader, size));
        output.Advance(ItemHeader + size);
    }

    /// <summary>A snapshot (its file is there already) or the position a segment starts after.</summary>
    public static void Add(ArrayBufferWriter<byte> output, RaftLogItem kind, ulong index, ulong term)
    {
        Span<byte> body = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(body, index);
        BinaryPrimitives.WriteUInt64LittleEndian(body[8..], term);
        Add(output, kind, body);
    }

    public static bool TryNext(ref ReadOnlySpan<byte> payload, out RaftLogItem kind, out ReadOnlySpan<byte> body)
    {
        kind = default;
        body = default;
        if (payload.IsEmpty) return false;
        if (payload.Length < ItemHeader) throw new RaftLogDamagedException("raft log frame ends inside an item");
        kind = (RaftLogItem)payload[0];
        var length = BinaryPrimitives.ReadUInt32LittleEndian(payload[1..]);
        if (length > payload.Length - ItemHeader) throw new RaftLogDamagedException("raft log item is longer than its frame");
        body = payload.Slice(ItemHeader, (int)length);
        payload = payload[(ItemHeader + (int)length)..];
        return true;
    }

    public static (ulong Index, ulong Term) ReadPosition(ReadOnlySpan<byte> body) =>
        body.Length == 16 ? (BinaryPrimitives.ReadUInt64LittleEndian(body), BinaryPrimitives.ReadUInt64LittleEndian(body[8..]))
            : throw new RaftLogDamagedException("raft log position item is not 16 bytes");

    private static void Add(ArrayBufferWriter<byte> output, RaftLogItem kind, ReadOnlySpan<byte> body)
    {
        var span = Begin(output, kind, body.Length);
        body.CopyTo(span[ItemHeader..]);
        output.Advance(ItemHeader + body.Length);
    }

    private static Span<byte> Begin(ArrayBufferWriter<byte> output, RaftLogItem kind, int size)
    {
        var span = output.GetSpan(ItemHeader + size);
        span[0] = (byte)kind;
        BinaryPrimitives.WriteUInt32LittleEndian(span[1..], (uint)size);
        return span;
    }
}
