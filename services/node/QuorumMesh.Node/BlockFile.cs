using System.IO.Compression;
using QuorumMesh.Chain;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>A file of blocks: their RLP one after another, as geth writes it; compressed when its name ends in .gz.</summary>
internal static class BlockFile
{
    private const int MaxBlockSize = 64 << 20;
    private const int BufferSize = 1 << 20;

    /// <summary>Reads block by block; at most one is in memory.</summary>
    /// <exception cref="StartupException">The file is damaged; the message says where.</exception>
    public static IEnumerable<Block> Read(string path)
    {
        using var input = Decompressed(path, File.OpenRead(OptionRules.ExistingFile("FILE", path)));
        var header = new byte[5];
        for (var start = 0L; ;)
        {
            if (ReadFully(path, input, header.AsSpan(0, 1), start) == 0) yield break;
            var digits = header[0] > 0xf7 ? header[0] - 0xf7 : 0;
            if (header[0] < 0xc0 || digits > 4 || ReadFully(path, input, header.AsSpan(1, digits), start) < digits)
                throw Damaged(path, start, "no whole block starts there");
            var content = digits == 0 ? header[0] - 0xc0
                : header.AsSpan(1, digits).ToArray().Aggregate(0L, (length, digit) => (length << 8) | digit);
            if (content > MaxBlockSize) throw Damaged(path, start, $"a block of {content} bytes would start there");
            var raw = new byte[1 + digits + content];
            header.AsSpan(0, 1 + digits).CopyTo(raw);
            if (ReadFully(path, input, raw.AsSpan(1 + digits), start) < content) throw Damaged(path, start, "no whole block starts there");
            yield return Decode(path, start, raw);
            start += raw.Length;
        }
    }

    /// <summary>Opens a file to write blocks to.</summary>
    /// <param name="append">Go on behind what is there.</param>
    /// <exception cref="OptionsException">It cannot be made.</exception>
    public static Stream Create(string path, bool append)
    {
        try
        {
            var file = new FileStream(path, append ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read, BufferSize);
            return IsCompressed(path) ? new GZipStream(file, CompressionLevel.Optimal) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("FILE", $"cannot write '{path}': {e.Message}", e);
        }
    }

    private static bool IsCompressed(string path) => path.EndsWith(".gz", StringComparison.Ordinal);

    private static Stream Decompressed(string path, Stream file) =>
        IsCompressed(path) ? new BufferedStream(new GZipStream(file, CompressionMode.Decompress), BufferSize)
            : new BufferedStream(file, BufferSize);

    private static int ReadFully(string path, Stream input, Span<byte> buffer, long start)
    {
        try
        {
            return input.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(path, start, $"it cannot be decompressed any further ({e.Message})");
        }
    }

    private static Block Decode(string path, long start, byte[] raw)
    {
        try
        {
            return Block.Decode(raw);
        }
        catch (FormatException e)
        {
            throw Damaged(path, start, e.Message);
        }
    }

    private static StartupException Damaged(string path, long start, string why) => new($"{path} is damaged at byte {start}: {why}");
}
