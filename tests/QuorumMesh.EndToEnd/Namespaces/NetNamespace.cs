using System.ComponentModel;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>
/// A network namespace of Linux, without a name: it goes when this and the processes in it have gone. A socket belongs to the
/// namespace of the thread that makes it, and a process begins in that of the thread that starts it.
/// </summary>
internal sealed partial class NetNamespace : IDisposable
{
    private const int NewNet = 0x40000000; // CLONE_NEWNET of sched.h

    private readonly SafeFileHandle _handle;

    /// <exception cref="Win32Exception">The process may not make one.</exception>
    public NetNamespace() => _handle = OnThread(static () =>
    {
        Check(Unshare(NewNet));
        return File.OpenHandle("/proc/thread-self/ns/net");
    });

    /// <summary>Names it to other programs as long as this one lives.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}";

    /// <summary>Does something on a thread of its own, inside.</summary>
    public T Run<T>(Func<T> work) => OnThread(() =>
    {
        Check(SetNs(_handle.DangerousGetHandle().ToInt32(), NewNet));
        return work();
    });

    public void Dispose() => _handle.Dispose();

    private static T OnThread<T>(Func<T> work)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    private static void Check(int result)
    {
        if (result != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(int handle, int kind);
}
