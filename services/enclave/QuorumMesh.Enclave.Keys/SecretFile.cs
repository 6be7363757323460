using QuorumMesh.Enclave.Core;
using QuorumMesh.Files;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Reads and writes files that hold secrets, without a copy in the managed heap.</summary>
internal static class SecretFile
{
    public const int MaxSize = 1024 * 1024;

    public static SecretBuffer Read(string key, string path)
    {
        try
        {
            // No buffer of the stream's own: it would be a copy in the managed heap that nobody wipes.
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (stream.Length > MaxSize)
                throw new KeyException(key, $"'{path}' has {stream.Length} bytes; at most {MaxSize} are read");
            var buffer = new SecretBuffer((int)stream.Length);
            stream.ReadExactly(buffer.Span);
            return buffer;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new KeyException(key,
                e is FileNotFoundException or DirectoryNotFoundException ? $"no file '{path}'" : $"cannot read '{path}': {e.Message}", e);
        }
    }

    /// <summary>
    /// Never overwrites; whole or not there, also after a power loss; readable by the owner alone when <paramref name="secret"/>.
    /// </summary>
    public static void WriteNew(string path, ReadOnlySpan<byte> content, bool secret)
    {
        try
        {
            DurableFile.WriteNew(path, content, secret ? DurableFile.OwnerOnly : DurableFile.ForAll);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new KeyException(path, "exists already and is not overwritten; move it away or choose another name", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KeyException(path, $"cannot be written: {e.Message}", e);
        }
    }
}
