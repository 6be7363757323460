using System.Text;

namespace QuorumMesh.Cli.Network;

/// <summary>Files and directories that only their owner may use: 0600 and 0700, whatever the umask is.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode OwnFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnDirectory = OwnFile | UnixFileMode.UserExecute;
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;

    /// <summary>Never overwrites.</summary>
    public static void WriteNew(string path, string content) => WriteNew(path, Encoding.UTF8.GetBytes(content));

    /// <summary>For secrets, which the caller zeroes: no buffer keeps a copy.</summary>
    public static void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(path,
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnFile, BufferSize = 0 });
        file.Write(content);
    }

    /// <summary>The file is as it was or as it shall be, never half written.</summary>
    public static void Replace(string path, string content)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        WriteNew(fresh, content);
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>Makes the directory and those above it that are absent.</summary>
    public static void MakeDirectory(string path)
    {
        if (Directory.Exists(path)) return;
        if (Path.GetDirectoryName(path) is { Length: > 0 } above) MakeDirectory(above);
        Directory.CreateDirectory(path, OwnDirectory);
    }

    /// <summary>Takes a directory with all that is in it from everybody but its owner. Links are not followed.</summary>
    /// <returns>How many files and directories others could use before.</returns>
    public static int Close(string directory)
    {
        var closed = 0;
        foreach (var entry in new DirectoryInfo(directory)
            .EnumerateFileSystemInfos("*",
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Prepend(new DirectoryInfo(directory)))
        {
            try
            {
                if ((entry.UnixFileMode & Others) == 0) continue;
                entry.UnixFileMode &= ~Others;
                closed++;
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or another user's, who closes it himself.
            }
        }
        return closed;
    }
}
