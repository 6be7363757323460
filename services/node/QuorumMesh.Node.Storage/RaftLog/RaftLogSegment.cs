using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>
/// One file of the log: "QMRAFTL1" ‖ salt u32 ‖ first sequence u64, then frames. It appears by rename, so its start is never
/// torn.
/// </summary>
internal sealed class RaftLogSegment : IDisposable
{
    public const int HeaderSize = 20;
    private const string Prefix = "segment-", Suffix = ".log";
    private static ReadOnlySpan<byte> Magic => "QMRAFTL1"u8;

    private readonly IRaftFile _file;
    private readonly uint _salt;

    public RaftLogSegment(string name, ulong number, IRaftFile file, uint salt, long length)
    {
        (Name, Number, _file, _salt, Length) = (name, number, file, salt, length);
    }

    public string Name { get; }
    public ulong Number { get; }
    public long Length { get; private set; }
    /// <summary>Highest entry index in the file; it can go once that is compacted away.</summary>
    public ulong MaxIndex { get; set; }

    public static bool IsSegment(string name, out ulong number)
    {
        number = 0;
        return name.Length == Prefix.Length + 16 + Suffix.Length && name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(Prefix.Length, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>
    /// Creates a segment whose first frame is <paramref name="frame"/> (header space left free), durable when this returns.
    /// </summary>
    public static RaftLogSegment Create(IRaftDisk disk, ulong number, ulong sequence, Span<byte> frame)
    {
        var name = $"{Prefix}{number:x16}{Suffix}";
        var header = new byte[HeaderSize];
        Magic.CopyTo(header);
        var salt = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), salt);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(12), sequence);
        RaftLogFrame.WriteHeader(frame, salt, sequence, sequence - 1);
        var file = disk.Open(name + ".tmp");
        try
        {
            file.Truncate(0);
            file.Write(header);
            file.Write(frame);
            // Content, then name, then directory: a segment with a name has its first frame whole, whenever the power goes.
            file.Sync();
            disk.Rename(name + ".tmp", name);
            disk.SyncDirectory();
        }
        catch
        {
            file.Dispose();
            throw;
        }
        return new RaftLogSegment(name, number, file, salt, HeaderSize + frame.Length);
    }

    public static (uint Salt, ulong Sequence) ReadHeader(string name, ReadOnlySpan<byte> data)
    {
        if (data.Length < HeaderSize || !data[..8].SequenceEqual(Magic))
            throw new RaftLogDamagedException($"raft log file {name} does not start as one: {RaftLogDamagedException.Advice}");
        return (BinaryPrimitives.ReadUInt32LittleEndian(data[8..]), BinaryPrimitives.ReadUInt64LittleEndian(data[12..]));
    }

    public void Write(Span<byte> frame, ulong sequence, ulong durable)
    {
        RaftLogFrame.WriteHeader(frame, _salt, sequence, durable);
        _file.Write(frame);
        Length += frame.Length;
    }

    public void Sync() => _file.Sync();

    public void Dispose() => _file.Dispose();
}
