using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>
/// Discovery v4 over UDP, on the port of the peer server, which is given the nodes that are found. What goes wrong here, once the port is
/// bound, ends nothing.
/// </summary>
public sealed class DiscoveryService : IAsyncDisposable
{
    private const int PacketsOfOne = 50;
    private const int PacketsInAll = 500;
    private const int DialsAtOnce = 4;
    private const int MostDialled = 1_024;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StoreInterval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    private readonly PeerServer _server;
    private readonly DiscoveryOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly KnownNodesFile? _file;
    private readonly PacketRate _rate = new(PacketsOfOne, PacketsInAll);
    private readonly Dictionary<string, TimeSpan> _dialled = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private DiscoveryCore? _core;
    private Socket? _socket;
    private Task _running = Task.CompletedTask;

    /// <summary>Does nothing before <see cref="Start"/>.</summary>
    public DiscoveryService(PeerServer server, DiscoveryOptions options, ILogger<DiscoveryService> log, TimeProvider? time = null)
    {
        (_server, _options, _log, _time) = (server, options, log, time ?? TimeProvider.System);
        _started = _time.GetTimestamp();
        _file = options.StorePath is { } path ? new KnownNodesFile(path) : null;
    }

    /// <summary>Enode URLs of the nodes that have shown that they are there.</summary>
    public IReadOnlyList<Enode> Found
    {
        get
        {
            lock (_lock) return [.. (_core?.Nodes ?? []).Select(node => node.ToEnode())];
        }
    }

    /// <summary>Binds the UDP port of the same number as the peer server's, which must have been started.</summary>
    /// <exception cref="IOException">The port cannot be bound.</exception>
    public void Start()
    {
        var bound = _server.Listening;
        _socket = Bind(bound);
        FoundNode[] seeds = [.. _options.Bootnodes.Select(FoundNode.Of).OfType<FoundNode>(), .. _file?.Read() ?? []];
        _core = new DiscoveryCore(_server.Key, bound, bound.Port, seeds, _server.IsInNetwork);
        _running = Task.WhenAll(KeepAsync("receiving", () => ReceiveAsync(_socket)), KeepAsync("asking", TickAsync),
            KeepAsync("dialling", DialAsync), KeepAsync("storing", StoreAsync));
        _log.LogInformation("Discovery listens on UDP port {Port} and asks {Seeds} nodes first", bound.Port, seeds.Length);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _socket?.Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Store();
        _stop.Dispose();
    }

    private DiscoveryTime Now => new(_time.GetElapsedTime(_started), (ulong)_time.GetUtcNow().ToUnixTimeSeconds());

    /// <summary>Runs one of its loops until the stop: whatever ends it is told, and it begins again.</summary>
    private async Task KeepAsync(string what, Func<Task> loop)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await loop().ConfigureAwait(false);
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                _log.LogError(e, "Discovery failed at {What} and begins again in {Pause} s; the connections stay", what,
                    RestartPause.TotalSeconds);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
            await Task.Delay(RestartPause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReceiveAsync(Socket socket)
    {
        var buffer = new byte[DiscoveryPacket.MaxSize + 1];
        EndPoint any = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, any, _stop.Token).ConfigureAwait(false);
                var from = AddressRules.Plain((IPEndPoint)got.RemoteEndPoint);
                lock (_lock)
                {
                    var packet = buffer.AsSpan(0, got.ReceivedBytes);
                    // Noise takes nothing of what is looked at in a second.
                    if (!DiscoveryPacket.HasRightHash(packet) || !_rate.Takes(from.Address, Now.Elapsed))
                        NetworkMetrics.DiscoveryDropped.Add(1);
                    else _core!.Receive(from, packet, Now);
                }
                SendAll();
            }
            catch (FormatException)
            {
                NetworkMetrics.DiscoveryDropped.Add(1);
            }
            catch (SocketException e) when (IsOfOnePacket(e.SocketErrorCode))
            {
                // Of an earlier packet of ours that nobody took (ICMP), or one that is too long.
            }
        }
    }

    private static bool IsOfOnePacket(SocketError error) => error is SocketError.ConnectionReset or SocketError.ConnectionRefused
        or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.MessageSize;

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(TickInterval, _time);
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
        {
            lock (_lock) _core!.Tick(Now, RandomNumberGenerator.GetBytes(64));
            SendAll();
        }
    }

    private void SendAll()
    {
        List<Datagram> outgoing;
        lock (_lock) outgoing = _core!.TakeOutgoing();
        foreach (var datagram in outgoing)
        {
            try
            {
                _socket!.SendTo(datagram.Packet, To(datagram.To));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                _log.LogDebug("A packet to {To} was not sent: {Error}", datagram.To, e.Message);
            }
        }
    }

    private IPEndPoint To(IPEndPoint to) => _socket!.AddressFamily == AddressFamily.InterNetworkV6
        && to.AddressFamily == AddressFamily.InterNetwork ? new IPEndPoint(to.Address.MapToIPv6(), to.Port) : to;

    /// <summary>Found nodes are dialled, once in a while, as long as there are too few peers.</summary>
    private async Task DialAsync()
    {
        using var timer = new PeriodicTimer(_options.DialInterval, _time);
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
        {
            var (now, places) = (Now.Elapsed, Math.Min(DialsAtOnce, _options.MaxPeers - _server.Peers.Count));
            foreach (var (nodeId, at) in _dialled.ToList())
                if (now - at > _options.RedialAfter) _dialled.Remove(nodeId);
            foreach (var enode in Found)
            {
                if (places <= 0 || _dialled.Count >= MostDialled) break;
                if (enode.Port == 0 || _dialled.ContainsKey(enode.NodeId) || !_server.DialFound(enode)) continue;
                _dialled[enode.NodeId] = now;
                places--;
            }
        }
    }

    private async Task StoreAsync()
    {
        using var timer = new PeriodicTimer(StoreInterval, _time);
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false)) Store();
    }

    /// <summary>What was known before stays when nobody is there now.</summary>
    private void Store()
    {
        IReadOnlyList<FoundNode> nodes;
        lock (_lock) nodes = _core?.Nodes ?? [];
        if (_file is null || nodes.Count == 0) return;
        try
        {
            _file.Write(nodes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.LogWarning("The nodes that discovery knows could not be written: {Error}", e.Message);
        }
    }

    private static Socket Bind(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(endPoint);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"Cannot listen for discovery on UDP {endPoint}: {e.Message}. Choose another --port, or leave "
                + "--discovery out.", e);
        }
    }
}
