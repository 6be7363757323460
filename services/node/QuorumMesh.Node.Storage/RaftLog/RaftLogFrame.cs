using System.Buffers.Binary;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>One frame is one append: length u32 ‖ crc32c u32 ‖ sequence u64 ‖ durable u64 ‖ payload, little-endian. The checksum
/// covers all but itself
/// and starts from the segment's random salt, so that no payload can pass for a frame. <c>durable</c> is the last sequence known
/// flushed when the frame was written: it tells a torn tail from damage.</summary>
internal static class RaftLogFrame
{
    public const int HeaderSize = 24;
    public const int MaxPayload = 1 << 30;
    private const int MaxCandidates = 4096;

    public static void WriteHeader(Span<byte> frame, uint salt, ulong sequence, ulong durable)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - HeaderSize));
        BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], sequence);
        // What had been flushed by then. A frame lost at or below this number was there once and may have been promised; one above
        // it need not have been.
        BinaryPrimitives.WriteUInt64LittleEndian(frame[16..], durable);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Checksum(frame, salt));
    }

    /// <summary>True when a whole, intact frame with this sequence starts at the offset.</summary>
    public static bool TryRead(ReadOnlySpan<byte> segment, int offset, uint salt, ulong sequence, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!TryFrame(segment, offset, out var frame) || Sequence(frame) != sequence || !IsIntact(frame, salt)) return false;
        payload = frame[HeaderSize..];
        return true;
    }

    /// <summary>Looks behind a bad frame for the next intact one of the same segment.</summary>
    /// <param name="next">Its offset; its sequence; the last sequence known flushed when it was written.</param>
    public static bool TryFindIntact(ReadOnlySpan<byte> segment, int badOffset, uint salt, ulong badSequence,
        out (int Offset, ulong Sequence, ulong Durable) next)
    {
        // First where the bad frame says that it ends: its payload may hold what looks like frames.
        if (TryFrame(segment, badOffset, out var bad) && IsIntactAfter(segment, badOffset + bad.Length, salt, badSequence, out next))
            return true;
        var candidates = 0;
        for (var offset = badOffset + 1; offset <= segment.Length - HeaderSize && candidates < MaxCandidates; offset++)
        {
            if (!IsPlausibleAfter(segment, offset, badSequence)) continue;
            candidates++;
            if (IsIntactAfter(segment, offset, salt, badSequence, out next)) return true;
        }
        next = default;
        return false;
    }

    private static bool IsIntactAfter(ReadOnlySpan<byte> segment, int offset, uint salt, ulong badSequence,
        out (int Offset, ulong Sequence, ulong Durable) found)
    {
        found = default;
        if (!IsPlausibleAfter(segment, offset, badSequence) || !TryFrame(segment, offset, out var frame) || !IsIntact(frame, salt))
            return false;
        found = (offset, Sequence(frame), Durable(frame));
        return true;
    }

    private static bool IsPlausibleAfter(ReadOnlySpan<byte> segment, int offset, ulong badSequence) =>
        TryFrame(segment, offset, out var frame) && Sequence(frame) is var sequence
        && sequence > badSequence && sequence - badSequence <= (ulong)segment.Length && Durable(frame) < sequence;

    private static bool TryFrame(ReadOnlySpan<byte> segment, int offset, out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (segment.Length - offset < HeaderSize) return false;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(segment[offset..]);
        if (length is 0 or > MaxPayload || length > segment.Length - offset - HeaderSize) return false;
        frame = segment.Slice(offset, HeaderSize + (int)length);
        return true;
    }

    private static ulong Sequence(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]);

    private static ulong Durable(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt64LittleEndian(frame[16..]);

    private static bool IsIntact(ReadOnlySpan<byte> frame, uint salt) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]) == Checksum(frame, salt);

    private static uint Checksum(ReadOnlySpan<byte> frame, uint salt) => ~Crc32C.Update(frame[8..], Crc32C.Update(frame[..4], ~salt));
}
