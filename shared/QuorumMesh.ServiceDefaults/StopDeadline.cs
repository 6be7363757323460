using System.Runtime.InteropServices;

namespace QuorumMesh.ServiceDefaults;

/// <summary>
/// How long a stop may take. Whatever is acknowledged is on disk, so a process that cannot stop in good order (a block that runs
/// for minutes, a database that hangs) is ended without it, before an orchestrator's own patience (Kubernetes: 30 s) is over.
/// </summary>
public static partial class StopDeadline
{
    /// <summary>For the whole process, from the signal on.</summary>
    public static readonly TimeSpan Process = TimeSpan.FromSeconds(4.5);

    /// <summary>For calls that are open when a host stops; their connections are aborted then.</summary>
    public static readonly TimeSpan OpenCalls = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// Ends the process with code 0 when it still runs so long after the stop began. For a program's main path alone; disposed
    /// when the stop is done.
    /// </summary>
    public static IDisposable Arm(string program, CancellationToken stopping) => Arm(stopping, Process, TimeProvider.System, () =>
    {
        Console.Error.WriteLine(
            $"{program}: the stop took longer than {Process.TotalSeconds} s and was cut off; nothing acknowledged is lost");
        Exit(HostRunner.Ok);
    });

    internal static IDisposable Arm(CancellationToken stopping, TimeSpan limit, TimeProvider clock, Action end)
    {
        var timer = clock.CreateTimer(_ => end(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var registration = stopping.Register(() => timer.Change(limit, Timeout.InfiniteTimeSpan));
        return new Armed(registration, timer);
    }

    /// <summary>
    /// Without exit handlers: a native library that tears itself down under a thread that still uses it would crash the process.
    /// </summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);

    private sealed class Armed(CancellationTokenRegistration registration, ITimer timer) : IDisposable
    {
        public void Dispose()
        {
            registration.Dispose();
            timer.Dispose();
        }
    }
}
