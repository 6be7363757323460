using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>Whoever sits between two members: sees how each connection begins, and lets through what he likes.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile int _target;

    public TcpRelay(int target = 0)
    {
        _target = target;
        _listener.Start();
        _loop = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The first byte of each connection.</summary>
    public ConcurrentQueue<byte> First { get; } = new();

    /// <summary>Answers TLS as a server of plain HTTP does, and ends the connections that are open when it is set.</summary>
    public bool RefusesTls
    {
        get => Volatile.Read(ref _refusesTls);
        set
        {
            Volatile.Write(ref _refusesTls, value);
            foreach (var open in _open.Keys) open.Dispose();
        }
    }

    private bool _refusesTls;
    private readonly ConcurrentDictionary<TcpClient, byte> _open = new();

    public void LeadTo(int port) => _target = port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        foreach (var open in _open.Keys) open.Dispose();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private async Task ServeAsync(TcpClient caller)
    {
        using var called = new TcpClient();
        _open[caller] = 0;
        try
        {
            var from = caller.GetStream();
            var first = new byte[1];
            await from.ReadExactlyAsync(first, _stop.Token);
            First.Enqueue(first[0]);
            if (first[0] == 22 && RefusesTls)
            {
                await from.WriteAsync("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"u8.ToArray(), _stop.Token);
                return;
            }
            await called.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            var to = called.GetStream();
            await to.WriteAsync(first, _stop.Token);
            await Task.WhenAny(from.CopyToAsync(to, _stop.Token), to.CopyToAsync(from, _stop.Token));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side is gone.
        }
        finally
        {
            _open.TryRemove(caller, out _);
            caller.Dispose();
        }
    }
}
