using System.Runtime.InteropServices;

namespace QuorumMesh.Files;

/// <summary>
/// Files that must be whole, and there, after a power loss: written beside their place, flushed, renamed into it, and the
/// directory flushed. The source is compiled into each program that writes such files; it belongs to no layer.
/// </summary>
internal static partial class DurableFile
{
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public const UnixFileMode ForAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const int InvalidArgument = 22;

    /// <summary>Never overwrites; a crash leaves the whole file or none under this name.</summary>
    /// <exception cref="IOException">The file exists already, or cannot be written.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content, UnixFileMode mode) => Write(path, content, mode, overwrite: false);

    /// <summary>A crash leaves the old content or the new.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode mode) => Write(path, content, mode, overwrite: true);

    /// <summary>fsync of a directory, which .NET has no call for: makes creations, renames and deletions in it durable.</summary>
    /// <exception cref="IOException">It cannot be opened or flushed.</exception>
    public static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, OperatingSystem.IsLinux() ? DirectoryFlags() : 0);
        if (descriptor < 0) throw new IOException($"cannot open directory {path} to flush it (errno {Marshal.GetLastPInvokeError()})");
        try
        {
            // Some network file systems have no flush for directories and say so in this way.
            if (Fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() is not InvalidArgument and var error)
                throw new IOException($"cannot flush directory {path} (errno {error})");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, bool overwrite)
    {
        var full = Path.GetFullPath(path);
        var directory = Path.GetDirectoryName(full)!;
        var temporary = Path.Combine(directory, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        try
        {
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        SyncDirectory(directory);
    }

    /// <summary>O_DIRECTORY | O_CLOEXEC; O_RDONLY is 0.</summary>
    private static int DirectoryFlags() =>
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x4000 | 0x80000 : 0x10000 | 0x80000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
