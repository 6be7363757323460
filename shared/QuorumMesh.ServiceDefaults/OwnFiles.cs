using System.Runtime.InteropServices;

namespace QuorumMesh.ServiceDefaults;

/// <summary>What a service writes is for its own user: private state and payloads are in it. Directories are 0700 and files 0600.</summary>
public static partial class OwnFiles
{
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;
    private const UnixFileMode OwnDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>From now on what this process makes is closed to others, whatever the umask was: libraries' files too.</summary>
    public static void LimitNew() => _ = Umask((int)Others);

    /// <summary>Makes the directory and those above it that are absent.</summary>
    public static void MakeDirectory(string path)
    {
        if (Directory.Exists(path)) return;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } above) MakeDirectory(above);
        Directory.CreateDirectory(path, OwnDirectory);
    }

    /// <summary>
    /// Takes what other users may do from these files, and from these directories with all that is in them. Absent ones are
    /// passed over; links below a directory are not followed.
    /// </summary>
    /// <returns>A line for the log, or null when nothing was open to others.</returns>
    public static string? Close(params IEnumerable<string> paths)
    {
        var (closed, left, first) = (0, 0, "");
        foreach (var entry in paths.SelectMany(All))
        {
            try
            {
                if ((entry.UnixFileMode & Others) == 0) continue;
                if (closed + left == 0) first = entry.FullName;
                entry.UnixFileMode &= ~Others;
                closed++;
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // Gone meanwhile.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                left++;
            }
        }
        return (closed, left) switch
        {
            (0, 0) => null,
            (_, 0) => $"{first} and what belongs to it was open to other users of this machine: {closed} files and directories are closed "
                + "now",
            _ => $"{first} and what belongs to it is open to other users of this machine and {left} files or directories cannot be closed "
                + "(another owner, or a read-only mount): chmod go-rwx them",
        };
    }

    /// <summary>
    /// Whether a directory serves this program alone, so that it may be closed as a whole: not the root, a home, or a place that
    /// everybody may write to.
    /// </summary>
    public static bool IsOwn(string directory)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (!Directory.Exists(full) || full == Path.GetPathRoot(full)
            || full == Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)) return false;
        return (File.GetUnixFileMode(full) & (UnixFileMode.StickyBit | UnixFileMode.OtherWrite)) == 0;
    }

    private static IEnumerable<FileSystemInfo> All(string path)
    {
        if (!Directory.Exists(path)) return File.Exists(path) ? [new FileInfo(path)] : [];
        var within = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.ReparsePoint
        };
        return new DirectoryInfo(path).EnumerateFileSystemInfos("*", within).Prepend(new DirectoryInfo(path));
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int Umask(int mask);
}
