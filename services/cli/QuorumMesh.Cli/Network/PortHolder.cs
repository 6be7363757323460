using System.Globalization;

namespace QuorumMesh.Cli.Network;

/// <summary>Who holds a TCP port of this machine, as far as this user may see.</summary>
internal static class PortHolder
{
    /// <summary>"the B node of the network in DIR (process 12)", or the program's name; null when it cannot be seen.</summary>
    public static string? Describe(int port)
    {
        var sockets = Sockets(port);
        if (sockets.Count == 0) return null;
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(p => char.IsAsciiDigit(Path.GetFileName(p)[0])))
        {
            try
            {
                if (Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd"))
                    .Any(f => new FileInfo(f).LinkTarget is { } target && sockets.Contains(target)))
                    return Name(process);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone, or another user's.
            }
        }
        return null;
    }

    /// <summary>
    /// Columns of /proc/net/tcp: slot, local address with the port in hex, … and, the tenth, the socket's inode. Listeners come
    /// first.
    /// </summary>
    private static HashSet<string> Sockets(int port)
    {
        const int localAddress = 1, state = 3, inode = 9;
        const string listening = "0A";
        var suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        var rows = new[] { "/proc/net/tcp", "/proc/net/tcp6" }.Where(File.Exists).SelectMany(File.ReadLines)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(c => c.Length > inode && c[localAddress].EndsWith(suffix, StringComparison.Ordinal)).ToList();
        var wanted = rows.Exists(c => c[state] == listening) ? rows.Where(c => c[state] == listening) : rows;
        return [.. wanted.Select(c => $"socket:[{c[inode]}]")];
    }

    private static string Name(string process)
    {
        var pid = Path.GetFileName(process);
        var program = Path.GetFileName(File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0')[0]);
        var directory = new FileInfo(Path.Combine(process, "cwd")).LinkTarget;
        var network = directory is null ? null : Path.GetDirectoryName(directory);
        return network is not null && File.Exists(Path.Combine(network, NetworkDefinition.FileName))
            ? $"{program} of participant {Path.GetFileName(directory)} of the network in {network} (process {pid})"
            : $"{program} (process {pid})";
    }
}
