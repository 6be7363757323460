using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>One frame is one append: length u32 ‖ crc32c u32 ‖ sequence u64 ‖ durable u64 ‖ payload, little-endian. The checksum covers all but itself
/// and starts from the segment's random salt, so that no payload can pass for a frame. <c>durable</c> is the last sequence known flushed when
/// the frame was written: it tells a torn tail from damage.</summary>
internal static class RaftLogFrame
{
    public const int HeaderSize = 24;
    public const int MaxPayload = 1 << 30;
    private const int MaxCandidates = 4096;

    public static void WriteHeader(Span<byte> frame, uint salt, ulong sequence, ulong durable)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - HeaderSize));
        BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], sequence);
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

    /// <summary>Looks behind a bad frame for an intact one that was written after the bad one had been flushed.</summary>
    public static bool IsDamage(ReadOnlySpan<byte> segment, int badOffset, uint salt, ulong badSequence)
    {
        var candidates = 0;
        for (var offset = badOffset + 1; offset <= segment.Length - HeaderSize && candidates < MaxCandidates; offset++)
        {
            if (!TryFrame(segment, offset, out var frame)) continue;
            var sequence = Sequence(frame);
            var durable = BinaryPrimitives.ReadUInt64LittleEndian(frame[16..]);
            if (sequence <= badSequence || sequence - badSequence > (ulong)segment.Length || durable < badSequence || durable >= sequence) continue;
            candidates++;
            if (IsIntact(frame, salt)) return true;
        }
        return false;
    }

    public static uint Crc32C(ReadOnlySpan<byte> data, uint crc)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (var b in data[(words.Length * 8)..]) crc = BitOperations.Crc32C(crc, b);
        return crc;
    }

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

    private static bool IsIntact(ReadOnlySpan<byte> frame, uint salt) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]) == Checksum(frame, salt);

    private static uint Checksum(ReadOnlySpan<byte> frame, uint salt) => ~Crc32C(frame[8..], Crc32C(frame[..4], ~salt));
}
