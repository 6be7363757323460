using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network;

/// <summary>devp2p: listens, keeps connections to the static peers, and gives the runtime its <see cref="IPeerNetwork"/>.</summary>
public sealed partial class PeerServer : IPeerNetwork, IIstanbulNetwork, IAsyncDisposable
{
    private const int MaxStaticPeers = 1_000;
    private const int MaxTrustedPeers = 1_000;

    private readonly PeerServerOptions _options;
    private readonly ILogger<PeerServer> _logger;
    private readonly TimeProvider _time;
    private readonly PeerRegistry _registry;
    private readonly ConnectionSetup _setup;
    private readonly IstanbulHub _istanbul = new();
    private readonly PeerBans _bans;
    private readonly RecentTransactions _recent;
    private readonly RecentTransactions? _copies;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, StaticPeer> _statics = new(StringComparer.Ordinal);
    private readonly HashSet<string> _trusted = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _running = [];
    private IPeerRequestHandler? _handler;
    private Socket? _listener;
    private volatile PeerStatus? _status;
    private volatile Func<string, bool>? _allowed;
    private int _port;
    private bool _disposed;

    /// <summary>Does nothing before <see cref="Start"/>.</summary>
    public PeerServer(PeerServerOptions options, ILogger<PeerServer> logger, TimeProvider? time = null)
    {
        _options = options;
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _registry = new PeerRegistry(options.Key.NodeId, options.MaxPeers, _time);
        _bans = new PeerBans(_time);
        _recent = new RecentTransactions(options.RecentBytes);
        _copies = options.CopyBytes > 0 ? new RecentTransactions(options.CopyBytes) : null;
        _setup = new ConnectionSetup(options, () => _port);
        _port = options.Listen.Port;
    }

    /// <inheritdoc/>
    public IReadOnlyList<PeerInfo> Peers => Array.ConvertAll(
        _registry.Active, peer => peer.Info with { Static = IsStatic(peer.NodeId), Trusted = IsTrusted(peer.NodeId) });

    /// <inheritdoc/>
    public IReadOnlyList<ConfiguredPeer> ConfiguredPeers
    {
        get
        {
            StaticPeer[] statics;
            lock (_lock)
                statics = [.. _statics.Values];
            return Array.ConvertAll(statics, peer => _registry.FindActive(peer.Enode.NodeId) is not null
                ? new ConfiguredPeer(peer.Enode, IsConnected: true, Obstacle: null)
                : new ConfiguredPeer(peer.Enode, IsConnected: false, ObstacleTo(peer)));
        }
    }

    /// <inheritdoc/>
    public Enode Self => new(_options.Key.NodeId, OwnHost(), _port, _options.RaftPort);

    /// <summary>Binds the port and begins to accept and to dial. Connections wait for <see cref="SetStatus"/>.</summary>
    /// <exception cref="IOException">The port cannot be bound.</exception>
    public void Start(IPeerRequestHandler handler)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_handler is not null)
                throw new InvalidOperationException("The peer server is already started.");
            _listener = Bind(_options.Listen);
            _port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
            _handler = handler;
        }
        Track(AcceptLoopAsync(_listener));
        Track(MaintainLoopAsync());
        lock (_lock)
            foreach (var peer in _statics.Values)
                Dial(peer);
        _logger.LogInformation("Peer network listens: {Enode}", Self);
    }

    /// <inheritdoc/>
    public void SetStatus(PeerStatus own)
    {
        bool first = _status is null;
        _status = own;
        if (first)
            HurryDials();
    }

    /// <inheritdoc/>
    public void AddStaticPeer(Enode e)
    {
        if (e.NodeId == _options.Key.NodeId)
            return;
        _bans.Remove(e.NodeId);
        lock (_lock)
        {
            if (_disposed)
                return;
            if (_statics.TryGetValue(e.NodeId, out var known))
            {
                if (known.Enode == e)
                {
                    known.Hurry();
                    return;
                }
                known.Stop();
            }
            else if (_statics.Count >= MaxStaticPeers)
            {
                throw new InvalidOperationException($"There are {MaxStaticPeers} static peers already: remove one first.");
            }
            var peer = new StaticPeer(e, _options, _registry, _time);
            _statics[e.NodeId] = peer;
            if (_handler is not null)
                Dial(peer);
        }
    }

    /// <summary>What Raft's blocks need not bring along.</summary>
    public RaftTransactions ForRaft => new(FindEach, node => _registry.FindActive(node) is { } peer ? peer.Holds : null);

    /// <summary>Dials a node that discovery found, once.</summary>
    /// <returns>False when it may not be, is connected already, or there is no place for it.</returns>
    internal bool DialFound(Enode node)
    {
        if (node.NodeId == _options.Key.NodeId || _registry.IsFull || _registry.Find(node.NodeId) is not null
            || IsStatic(node.NodeId) || !MayDial(node.NodeId))
            return false;
        lock (_lock)
            if (_disposed || _handler is null)
                return false;
        Track(Task.Run(() => DialAsync(node, _stop.Token)));
        return true;
    }

    /// <summary>Where it listens for devp2p; the port is the one that was taken.</summary>
    internal IPEndPoint Listening => new(_options.Listen.Address, _port);

    internal NodeKey Key => _options.Key;

    /// <summary>Whether an address is within the networks that this node talks to.</summary>
    internal bool IsInNetwork(IPAddress address) =>
        _options.NetRestrict.Count == 0
        || _options.NetRestrict.Any(net => net.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    /// <inheritdoc/>
    public void RemovePeer(string nodeId)
    {
        var id = Enode.NormalizeId(nodeId);
        lock (_lock)
            if (_statics.Remove(id, out var known))
                known.Stop();
        _registry.Find(id)?.Disconnect(DisconnectReason.Requested, "removed");
    }

    /// <inheritdoc/>
    public void AddTrustedPeer(string nodeId)
    {
        var id = Enode.NormalizeId(nodeId);
        lock (_lock)
        {
            if (_trusted.Count >= MaxTrustedPeers && !_trusted.Contains(id))
                throw new InvalidOperationException($"There are {MaxTrustedPeers} trusted peers already: remove one first.");
            _trusted.Add(id);
        }
        HurryDials();
    }

    /// <inheritdoc/>
    public void RemoveTrustedPeer(string nodeId)
    {
        lock (_lock)
            _trusted.Remove(Enode.NormalizeId(nodeId));
    }

    /// <inheritdoc/>
    public void SetAllowed(Func<string, bool>? nodeIdAllowed)
    {
        _allowed = nodeIdAllowed;
        foreach (var peer in _registry.All)
            if (!IsAllowed(peer.NodeId))
                peer.Abort("no longer allowed to connect");
        HurryDials();
    }

    /// <inheritdoc/>
    public void BroadcastTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions, string? exceptNodeId, bool resend = false)
    {
        Check(rawTransactions);
        var peers = Array.FindAll(_registry.Active, peer => peer.NodeId != exceptNodeId);
        if (peers.Length == 0)
            return;
        foreach (var raw in rawTransactions)
        {
            var hash = Keccak.Hash(raw.Span);
            // Before anybody hears of it: whoever does may send it back by its hash, in a block.
            _recent.Add(hash, raw);
            foreach (var peer in peers)
                peer.EnqueueTransaction(hash, raw, resend);
        }
        foreach (var peer in peers)
            peer.Wake();
    }

    /// <inheritdoc/>
    public void RelayTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions)
    {
        Check(rawTransactions);
        var (announced, whole) = (new List<Peer>(), new List<Peer>());
        foreach (var peer in _registry.Active)
            (peer.TakesAnnouncements ? announced : whole).Add(peer);
        foreach (var raw in rawTransactions)
        {
            var hash = Keccak.Hash(raw.Span);
            if (announced.Count > 0)
                _recent.Add(hash, raw);
            foreach (var peer in announced)
                peer.EnqueueAnnouncement(hash);
            foreach (var peer in whole)
                peer.EnqueueTransaction(hash, raw, evenIfKnown: false);
        }
        foreach (var peer in whole)
            peer.Wake();
    }

    private ReadOnlyMemory<byte>[] FindEach(IReadOnlyList<Hash256> hashes)
    {
        var found = new ReadOnlyMemory<byte>[hashes.Count];
        _recent.FindEach(hashes, found);
        _copies?.FindEach(hashes, found);
        return found;
    }

    private static void Check(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions)
    {
        foreach (var raw in rawTransactions)
            if (raw.IsEmpty || raw.Span[0] is >= 0x80 and < 0xc0 || raw.Length > EthLimits.TransactionBytes)
                throw new ArgumentException(
                    $"A transaction must be an RLP list or type byte and payload, of at most {EthLimits.TransactionBytes} bytes.",
                    nameof(rawTransactions));
    }

    /// <inheritdoc/>
    public void BroadcastBlock(in Hash256 hash, ulong number, ReadOnlyMemory<byte> rawBlock, in UInt256 totalDifficulty,
        IReadOnlySet<Address>? holders = null)
    {
        var block = hash;
        var peers = Array.FindAll(_registry.Active, peer => peer.Lacks(block));
        // Which ones get it whole is left to chance, so that no peer is always the last to have it.
        Random.Shared.Shuffle(peers);
        var lacking = Array.FindAll(peers, peer => peer.Istanbul is not { } known || holders?.Contains(known.Address) != true);
        int whole = Math.Min(lacking.Length, Math.Max(EthLimits.BlockReceivers, (int)Math.Sqrt(lacking.Length)));
        if (whole > 0)
        {
            var message = EthMessages.EncodeNewBlock(rawBlock.Span, totalDifficulty);
            foreach (var peer in lacking.AsSpan(0, whole))
                peer.SendBlock(hash, EthCode.NewBlock, message);
        }
        // Those that got it whole are known to have it by now.
        var announcement = EthMessages.EncodeNewBlockHash(hash, number);
        foreach (var peer in peers)
            peer.SendBlock(hash, EthCode.NewBlockHashes, announcement);
    }

    /// <inheritdoc/>
    public void BanPeer(string nodeId, string reason, TimeSpan duration)
    {
        _bans.Add(nodeId, reason, duration);
        _logger.LogWarning("Peer {NodeId} is not talked to for {Duration}: {Reason}", Short(nodeId), duration, reason);
        _registry.Find(nodeId)?.Disconnect(DisconnectReason.UselessPeer, reason);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, ulong from, int count, CancellationToken ct) =>
        RequestHeadersAsync(nodeId, new HeaderQuery(null, from, count, 0, false), ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, Hash256 from, int count, ulong skip, bool reverse,
        CancellationToken ct) =>
        RequestHeadersAsync(nodeId, new HeaderQuery(from, 0, count, skip, reverse), ct);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<byte[]>> RequestBodiesAsync(string nodeId, IReadOnlyList<Hash256> hashes, CancellationToken ct)
    {
        if (hashes.Count is 0 or > EthLimits.BodiesPerReply)
            throw new ArgumentException($"Ask for 1 to {EthLimits.BodiesPerReply} bodies, not {hashes.Count}.", nameof(hashes));
        return await ActivePeer(nodeId).RequestBodiesAsync(hashes, ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public long ReceivedFrom(string nodeId) => _registry.FindActive(nodeId)?.Received ?? 0;

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        foreach (var peer in _registry.All)
            peer.Disconnect(DisconnectReason.Quitting, "this node stops");
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener?.Dispose();
        Task[] running;
        lock (_lock)
            running = [.. _running];
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, HeaderQuery query, CancellationToken ct)
    {
        if (query.Amount is < 1 or > EthLimits.HeadersPerReply)
            throw new ArgumentException($"Ask for 1 to {EthLimits.HeadersPerReply} headers, not {query.Amount}.");
        return await ActivePeer(nodeId).RequestHeadersAsync(query, ct).ConfigureAwait(false);
    }

    private Peer ActivePeer(string nodeId) =>
        _registry.FindActive(nodeId) ?? throw new PeerRequestException($"There is no connection to peer {nodeId}.");

    private bool IsAllowed(string nodeId) => _allowed is not { } allowed || allowed(nodeId);

    /// <summary>What keeps a static peer from being connected, most lasting first.</summary>
    private string ObstacleTo(StaticPeer peer)
    {
        var id = peer.Enode.NodeId;
        if (_status is null || _handler is null)
            return "this node is not ready yet";
        if (!IsAllowed(id))
            return "this node's own lists or membership do not let it in";
        if (_bans.Find(id) is { } ban)
            return string.Create(CultureInfo.InvariantCulture, $"not talked to for {ban.Left.TotalSeconds:0} s more: {ban.Reason}");
        return peer.LastEnd ?? "being dialled";
    }

    private bool IsTrusted(string nodeId)
    {
        lock (_lock)
            return _trusted.Contains(nodeId);
    }

    /// <summary>Remembers how an attempt at a static peer, or a connection with it, ended.</summary>
    private void Note(string nodeId, string end)
    {
        lock (_lock)
            if (_statics.TryGetValue(nodeId, out var known))
                known.LastEnd = end;
    }

    private static string Short(string nodeId) => nodeId[..Math.Min(nodeId.Length, 16)];

    private bool IsStatic(string nodeId)
    {
        lock (_lock)
            return _statics.ContainsKey(nodeId);
    }

    private void HurryDials()
    {
        lock (_lock)
            foreach (var peer in _statics.Values)
                peer.Hurry();
    }

    private string OwnHost() => _options.AdvertisedHost
        ?? (_options.Listen.Address.Equals(IPAddress.Any)
            || _options.Listen.Address.Equals(IPAddress.IPv6Any) ? "127.0.0.1" : _options.Listen.Address.ToString());

    private static Socket Bind(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(128);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"Cannot listen for peers on {endPoint}: {e.Message}. Choose another port or address.", e);
        }
    }
}
