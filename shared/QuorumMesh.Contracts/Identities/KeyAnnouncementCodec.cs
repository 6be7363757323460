using System.Buffers.Binary;

namespace QuorumMesh.Contracts.Identities;

/// <summary>
/// The bytes of a <see cref="KeyAnnouncement"/>: version (1) ‖ identity (32) ‖ serial (8) ‖ number of keys (2) ‖ for each its state (1),
/// key (32) and successor (32, zeros for none). Numbers are big-endian. There is one form of each announcement.
/// </summary>
public static class KeyAnnouncementCodec
{
    /// <summary>Keys of one announcement: those that an enclave may hold, and as many that it has revoked.</summary>
    public const int MaxKeys = 2000;

    private const byte Version = 1;
    private const int KeySize = 32;
    private const int HeadSize = 1 + KeySize + sizeof(long) + sizeof(ushort);
    private const int EntrySize = 1 + (2 * KeySize);

    /// <summary>Bytes of the longest announcement.</summary>
    public const int MaxSize = HeadSize + (MaxKeys * EntrySize);

    /// <summary>The bytes that are signed.</summary>
    /// <exception cref="ArgumentException">It is none that <see cref="Decode"/> would take.</exception>
    public static byte[] Encode(KeyAnnouncement announcement)
    {
        if (Fault(announcement) is { } fault)
            throw new ArgumentException(fault, nameof(announcement));
        var bytes = new byte[HeadSize + (announcement.Keys.Count * EntrySize)];
        bytes[0] = Version;
        var rest = bytes.AsSpan(1);
        announcement.Identity.Span.CopyTo(rest);
        BinaryPrimitives.WriteInt64BigEndian(rest[KeySize..], announcement.Serial);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(KeySize + sizeof(long))..], (ushort)announcement.Keys.Count);
        rest = bytes.AsSpan(HeadSize);
        foreach (var entry in announcement.Keys)
        {
            rest[0] = (byte)entry.State;
            entry.Key.Span.CopyTo(rest[1..]);
            if (entry.Successor is { } successor)
                successor.Span.CopyTo(rest[(1 + KeySize)..]);
            rest = rest[EntrySize..];
        }

        return bytes;
    }

    /// <exception cref="WireFormatException">The bytes are no announcement of this version; the message says where and why.</exception>
    public static KeyAnnouncement Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeadSize)
            throw new WireFormatException($"an announcement has {HeadSize} bytes at least", bytes.Length);
        if (bytes[0] != Version)
            throw new WireFormatException($"version {bytes[0]} of announcements is not known", 0);
        var serial = BinaryPrimitives.ReadInt64BigEndian(bytes[(1 + KeySize)..]);
        var count = BinaryPrimitives.ReadUInt16BigEndian(bytes[(1 + KeySize + sizeof(long))..]);
        if (count > MaxKeys || bytes.Length != HeadSize + (count * EntrySize))
            throw new WireFormatException($"{count} keys (at most {MaxKeys}) do not make {bytes.Length} bytes", HeadSize - sizeof(ushort));
        var keys = new AnnouncedKey[count];
        for (var i = 0; i < count; i++)
            keys[i] = ReadEntry(bytes.Slice(HeadSize + (i * EntrySize), EntrySize));
        var announcement = new KeyAnnouncement(new PublicKey(bytes.Slice(1, KeySize)), serial, keys);
        return Fault(announcement) is { } fault ? throw new WireFormatException(fault, HeadSize) : announcement;
    }

    private static AnnouncedKey ReadEntry(ReadOnlySpan<byte> entry)
    {
        var successor = entry[(1 + KeySize)..];
        return new AnnouncedKey(new PublicKey(entry.Slice(1, KeySize)), (AnnouncedState)entry[0],
            successor.ContainsAnyExcept((byte)0) ? new PublicKey(successor) : null);
    }

    /// <returns>Null for one that is as it should be.</returns>
    private static string? Fault(KeyAnnouncement announcement)
    {
        if (announcement.Identity.Length != KeySize)
            return $"an identity has {KeySize} bytes";
        if (announcement.Serial < 0)
            return "the serial is negative";
        if (announcement.Keys.Count > MaxKeys)
            return $"{announcement.Keys.Count} keys are more than {MaxKeys}";
        if (announcement.Keys.Any(k => k.Key.Length != KeySize || k.Successor is { Length: not KeySize }))
            return $"a key has {KeySize} bytes";
        if (announcement.Keys.DistinctBy(k => k.Key).Count() != announcement.Keys.Count)
            return "a key is named twice";
        var active = announcement.Keys.Where(k => k.State == AnnouncedState.Active).Select(k => k.Key).ToHashSet();
        return announcement.Keys.Select(k => FaultOf(k, active)).FirstOrDefault(f => f is not null);
    }

    private static string? FaultOf(AnnouncedKey key, HashSet<PublicKey> active) => key.State switch
    {
        AnnouncedState.Active => key.Successor is null ? null : "an active key has a successor",
        AnnouncedState.Retired when key.Successor is null => "a retired key has no successor",
        AnnouncedState.Retired or AnnouncedState.Revoked =>
            key.Successor is null || active.Contains(key.Successor) ? null : "a successor is no active key of the announcement",
        _ => $"the state {(int)key.State} of a key is not known",
    };
}
