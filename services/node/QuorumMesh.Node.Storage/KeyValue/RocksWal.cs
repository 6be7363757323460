using System.Buffers.Binary;
using System.Globalization;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>
/// Reads RocksDB's write-ahead log files without the database, which at a damaged record drops it and all that follow without a
/// word. A file is made of blocks of 32 KiB, and these of records: masked crc32c u32 ‖ length u16 ‖ type u8 ‖ bytes,
/// little-endian; a write is one record or first, middle ones and last, and begins with its sequence number u64 and its count u32
/// (RocksDB wiki, "Write Ahead Log File Format").
/// </summary>
internal static class RocksWal
{
    private const int BlockSize = 32 * 1024;
    private const int HeaderSize = 7;
    private const int BatchHeader = 12;
    private const byte Full = 1, First = 2, Middle = 3, Last = 4;

    /// <summary>A file's writes up to its end or its first bad record.</summary>
    /// <param name="FirstSequence">0 when there is none.</param>
    /// <param name="LastSequence">Of the last whole write; 0 when there is none.</param>
    /// <param name="BadAt">Offset of the first record that is cut or damaged; null when there is none.</param>
    /// <param name="GoodFollows">Whether an intact record is somewhere behind it.</param>
    public readonly record struct Report(ulong FirstSequence, ulong LastSequence, int? BadAt, bool GoodFollows);

    /// <summary>
    /// What is damaged in a store's files. A cut end of the newest file is what a kill leaves behind, and no fault; neither is
    /// anything behind the last write that must be there, for a power loss may keep a later page and lose an earlier one.
    /// </summary>
    /// <param name="mark">What must be there; null when nobody knows: then a bad record with good ones behind it is a fault.</param>
    public static List<string> Faults(string path, StoreMark.Values? mark)
    {
        var faults = new List<string>();
        var expected = mark?.Expected().Sequence ?? ulong.MaxValue;
        var (bad, last) = (default((string Name, int At)?), 0UL);
        foreach (var file in Files(path))
        {
            if (TryRead(file) is not { } bytes) continue;
            var report = Scan(bytes);
            // An older file's end may be cut only where the next one does not go on behind what is missing.
            if (bad is { } older && report.FirstSequence > last + 1 && last < expected) faults.Add(Describe(older.Name, older.At));
            if (report.FirstSequence > 0) bad = null;
            last = Math.Max(last, report.LastSequence);
            if (report.BadAt is not { } at) continue;
            if (!report.GoodFollows) bad ??= (Path.GetFileName(file), at);
            else if (last < expected) faults.Add(Describe(Path.GetFileName(file), at));
        }
        return faults;
    }

    /// <summary>Reads the records of one file up to the first that is cut or damaged.</summary>
    public static Report Scan(ReadOnlySpan<byte> file)
    {
        var (first, last, end, inside) = (0UL, 0UL, 0UL, false);
        for (var offset = 0; ;)
        {
            if (BlockSize - (offset % BlockSize) < HeaderSize) offset += BlockSize - (offset % BlockSize);
            if (offset >= file.Length) return new Report(first, last, inside ? file.Length : null, false);
            if (!TryRecord(file, offset, out var type, out var bytes)) return new Report(first, last, offset, HasIntact(file, offset + 1));
            var starts = type is Full or First;
            if (type <= Last && starts == inside) return new Report(first, last, offset, GoodFollows: true);
            if (starts && bytes.Length >= BatchHeader)
            {
                var sequence = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                if (first == 0) first = sequence;
                end = sequence + Math.Max(BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]), 1) - 1;
            }
            if (type is Full or Last) last = end;
            inside = type switch { First or Middle => true, Full or Last => false, _ => inside };
            offset += HeaderSize + bytes.Length;
        }
    }

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<string> Files(string path) =>
        [.. Directory.EnumerateFiles(path, "*.log").Select(f => (File: f, Number: NumberOf(f))).Where(f => f.Number is not null)
            .OrderBy(f => f.Number).Select(f => f.File)];

    private static ulong? NumberOf(string file) =>
        ulong.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : null;

    private static byte[]? TryRead(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (FileNotFoundException)
        {
            return null; // merged by a running node meanwhile
        }
    }

    private static bool TryRecord(ReadOnlySpan<byte> file, int offset, out byte type, out ReadOnlySpan<byte> bytes)
    {
        type = 0;
        bytes = default;
        var room = Math.Min(BlockSize - (offset % BlockSize), file.Length - offset);
        if (room < HeaderSize) return false;
        var length = BinaryPrimitives.ReadUInt16LittleEndian(file[(offset + 4)..]);
        type = file[offset + 6];
        if (type == 0 || HeaderSize + length > room) return false;
        var checksum = ~Crc32C.Update(file.Slice(offset + 6, length + 1), uint.MaxValue);
        if (BinaryPrimitives.ReadUInt32LittleEndian(file[offset..]) != Mask(checksum)) return false;
        bytes = file.Slice(offset + HeaderSize, length);
        return true;
    }

    /// <summary>At any byte of this block, then where a block starts.</summary>
    private static bool HasIntact(ReadOnlySpan<byte> file, int from)
    {
        for (var offset = from; offset < file.Length; offset += offset / BlockSize == from / BlockSize ? 1
            : BlockSize - (offset % BlockSize))
            if (offset + HeaderSize <= file.Length && file[offset + 6] is >= Full and <= Last
                && TryRecord(file, offset, out _, out var bytes) && bytes.Length > 0) return true;
        return false;
    }

    private static uint Mask(uint checksum) => ((checksum >> 15) | (checksum << 17)) + 0xa282ead8;

    private static string Describe(string name, int at) =>
        $"write-ahead log {name} is damaged at byte {at}: what was written from there on is lost when the node starts";
}
