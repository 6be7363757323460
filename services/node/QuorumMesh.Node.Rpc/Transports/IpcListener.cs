using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>JSON-RPC on a Unix socket that only the owner may open.</summary>
internal sealed class IpcListener(string path, RpcEngine engine, ByteBudget budget, ILogger logger) : IAsyncDisposable
{
    private const int MaxPathBytes = 107;
    private const int Backlog = 64;

    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _connections = [];
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <exception cref="IOException">Another process listens there, or the path cannot be used; the message names it.</exception>
    public void Start()
    {
        if (System.Text.Encoding.UTF8.GetByteCount(path) > MaxPathBytes)
            throw new IOException($"IPC path {path} is longer than the {MaxPathBytes} bytes a Unix socket may have: choose a shorter "
            + "--ipcpath");
        RemoveStale();
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory) Directory.CreateDirectory(directory);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(Backlog);
        }
        catch (Exception e) when (e is SocketException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new IOException($"IPC socket {path} cannot be opened: {e.Message}", e);
        }
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener?.Dispose();
        await _accepting.ConfigureAwait(false);
        Task[] open;
        lock (_gate) open = [.. _connections];
        await Task.WhenAll(open).ConfigureAwait(false);
        if (_listener is not null) File.Delete(path);
        _stopping.Dispose();
    }

    /// <summary>A socket file that nobody answers on is left over from a process that was killed.</summary>
    private void RemoveStale()
    {
        if (!File.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        catch (SocketException e)
        {
            throw new IOException($"IPC path {path} is taken by something that is no socket of ours ({e.Message}): remove it or choose "
                + "another --ipcpath", e);
        }
        throw new IOException($"IPC socket {path} is in use by another process: stop it or choose another --ipcpath");
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                Serve(socket);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                logger.LogWarning("IPC connection was not accepted: {Reason}", e.Message);
            }
        }
    }

    private void Serve(Socket socket)
    {
        lock (_gate)
        {
            if (_connections.Count >= engine.Limits.MaxConnections)
            {
                socket.Dispose();
                return;
            }
            var serving = Task.Run(() => new IpcConnection(socket, engine, budget, _stopping.Token).RunAsync());
            _connections.Add(serving);
            _ = serving.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private void Forget(Task ended)
    {
        lock (_gate) _connections.Remove(ended);
    }
}
