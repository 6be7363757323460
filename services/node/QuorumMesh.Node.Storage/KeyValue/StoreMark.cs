using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>
/// How far a store was, in a file of its own beside the database's: "QMSTORE1" ‖ boot id ‖ (sequence u64 ‖ position u64) synced ‖
/// the same written ‖ crc32c u32, little-endian. It is written after the write that it tells of and not flushed, so that it costs
/// next to nothing: after a power loss it may be older than the store, never ahead of what was synced. What was written without a
/// flush must be there while the machine has not been started again, whatever became of the process.
/// </summary>
internal sealed class StoreMark : IDisposable
{
    public const string FileName = "quorummesh.mark";
    private const int Size = 60;
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";
    private static readonly Guid Boot = ReadBootId();
    private static ReadOnlySpan<byte> Magic => "QMSTORE1"u8;

    private readonly Lock _lock = new();
    private readonly SafeFileHandle _file;
    private Values _values;
    private bool _closed;

    /// <param name="start">What the opened store holds.</param>
    public StoreMark(string path, Point start, Values? before)
    {
        // A store that was put back from a backup is behind the old mark for good: its flush point is not known, so nothing is
        // expected of it.
        var synced = before is { } values && values.Synced.Sequence <= start.Sequence ? values.Synced : default;
        _values = new Values(Boot, synced, start);
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            BufferSize = 0
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = File.OpenHandle(Create(Path.Combine(path, FileName), options), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    }

    /// <param name="Sequence">RocksDB's number of the last key written.</param>
    /// <param name="Position">The same in the owner's terms: the number of the head block.</param>
    public readonly record struct Point(ulong Sequence, ulong Position);

    public readonly record struct Values(Guid BootId, Point Synced, Point Written)
    {
        /// <summary>What must be there now.</summary>
        public Point Expected() => BootId == Boot && Boot != Guid.Empty && Written.Sequence > Synced.Sequence ? Written : Synced;
    }

    /// <summary>Null when there is none, as in a store of an older version, or it is not whole.</summary>
    public static Values? Read(string path)
    {
        try
        {
            using var file = new FileStream(Path.Combine(path, FileName), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var bytes = new byte[Size];
            if (file.ReadAtLeast(bytes, Size, throwOnEndOfStream: false) < Size || !bytes.AsSpan(0, 8).SequenceEqual(Magic)) return null;
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(56)) != Crc32C.Update(bytes.AsSpan(0, 56), uint.MaxValue)) return null;
            return new Values(new Guid(bytes.AsSpan(8, 16)), ReadPoint(bytes.AsSpan(24)), ReadPoint(bytes.AsSpan(40)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>After a write.</summary>
    /// <param name="written">The store now.</param>
    /// <param name="synced">Up to here it is known to be flushed; 0 when the write was not.</param>
    public void Note(Point written, ulong synced)
    {
        lock (_lock)
        {
            if (_closed) return;
            if (written.Sequence > _values.Written.Sequence) _values = _values with { Written = written };
            if (synced > _values.Synced.Sequence) _values = _values with { Synced = written with { Sequence = synced } };
            Save();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
            _file.Dispose();
        }
    }

    private void Save()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Magic.CopyTo(bytes);
        _values.BootId.TryWriteBytes(bytes[8..]);
        Write(bytes[24..], _values.Synced);
        Write(bytes[40..], _values.Written);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[56..], Crc32C.Update(bytes[..56], uint.MaxValue));
        // One small write at a fixed place; a torn one is found by its checksum and reads as no mark.
        RandomAccess.Write(_file, bytes, 0);
    }

    private static string Create(string file, FileStreamOptions options)
    {
        using var created = new FileStream(file, options);
        return file;
    }

    private static Point ReadPoint(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));

    private static void Write(Span<byte> bytes, Point point)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, point.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], point.Position);
    }

    private static Guid ReadBootId()
    {
        try
        {
            return Guid.TryParse(File.ReadAllText(BootIdFile).Trim(), out var id) ? id : Guid.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Guid.Empty; // then only what was synced counts
        }
    }
}
