using System.Diagnostics;
using System.Runtime.InteropServices;

namespace QuorumMesh.Cli.Network;

public enum ServiceKind { Enclave, TxManager, Node }

/// <summary>
/// One service process of a participant, known by a pid file that also holds the kernel's start time of the process,
/// so that a reused pid is never taken for it, and by its working directory, so that a copy of the network is not taken for it either.
/// </summary>
public sealed partial class ServiceProcess(Participant participant, ServiceKind kind)
{
    private const int SigHup = 1;
    private const int SigTerm = 15;
    private const int SigKill = 9;

    public Participant Participant => participant;
    public ServiceKind Kind => kind;
    public string Name => $"{participant.Name} "
        + $"{kind switch { ServiceKind.Node => "node", ServiceKind.TxManager => "txmanager", _ => "enclave" }}";
    public string LogFile => Path.Combine(participant.Directory, "logs", FileName + ".log");
    private string PidFile => Path.Combine(participant.Directory, FileName + ".pid");
    private string FileName => kind.ToString().ToLowerInvariant();

    public string HealthUrl => kind switch
    {
        ServiceKind.Node => participant.Health.Node,
        ServiceKind.TxManager => participant.Health.TxManager,
        _ => participant.Health.Enclave,
    };

    /// <summary>The pid while the process is alive, otherwise null.</summary>
    public int? RunningPid
    {
        get
        {
            if (ReadPidFile() is not { } read) return null;
            var parts = read.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            return parts.Length == 2 && int.TryParse(parts[0], out var pid) && StartTime(pid) == parts[1] && WorksIn(pid, read.Directory)
                ? pid : null;
        }
    }

    /// <summary>Starts the program detached from this terminal, its output appended to the log file.</summary>
    public void Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        PrivateFiles.MakeDirectory(Path.GetDirectoryName(LogFile)!);
        var info = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = participant.Directory };
        info.Environment["QMESH_LOG"] = LogFile;
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
            info.Environment[key] = value;
        foreach (var argument in new[] { "-c", "umask 077; exec setsid \"$0\" \"$@\" >>\"$QMESH_LOG\" 2>&1 </dev/null",
            program }.Concat(arguments))
            info.ArgumentList.Add(argument);
        using var process = Process.Start(info) ?? throw new CommandException($"{program} could not be started");
        PrivateFiles.Replace(PidFile, $"{process.Id} {StartTime(process.Id)}\n");
    }

    /// <summary>Says that its files were edited; false when it does not run.</summary>
    public bool Reload() => RunningPid is { } pid && SendSignal(pid, SigHup) == 0;

    public void Terminate() => Signal(SigTerm);

    public void Kill() => Signal(SigKill);

    /// <summary>Forgets the process; called once it is gone.</summary>
    public void Forget()
    {
        if (File.Exists(PidFile)) File.Delete(PidFile);
    }

    /// <summary>The last lines that the service wrote, for an error message.</summary>
    public string LastOutput(int lines = 5) =>
        File.Exists(LogFile) ? string.Join("\n", File.ReadLines(LogFile).TakeLast(lines)) : "";

    /// <summary>
    /// The pid file's text, and its directory without symbolic links in the path, as the kernel names working directories; null
    /// when there is none.
    /// </summary>
    private (string Text, string Directory)? ReadPidFile()
    {
        try
        {
            using var file = File.OpenRead(PidFile);
            using var reader = new StreamReader(file);
            var real = new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget ?? PidFile;
            return (reader.ReadToEnd(), Path.GetDirectoryName(real)!);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Older versions started their services elsewhere: those are known by the log that they write to.</summary>
    private static bool WorksIn(int pid, string directory)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/cwd").LinkTarget is not { } cwd || cwd == directory
                || new FileInfo($"/proc/{pid}/fd/1").LinkTarget is { } log
                    && log.StartsWith(Path.Combine(directory, "logs") + "/", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // ending, or another user's: the start time has to do
        }
    }

    private void Signal(int signal)
    {
        if (RunningPid is { } pid) _ = SendSignal(pid, signal);
    }

    /// <summary>
    /// Field 22 of /proc/pid/stat: start time in clock ticks since boot. Null when there is no such process any more, also when
    /// only its exit status is left. A first thread that is gone while others still end does not count as that: until the last
    /// one, files and ports are held.
    /// </summary>
    private static string? StartTime(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" && Directory.GetDirectories($"/proc/{pid}/task").Length <= 1 ? null : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);
}
