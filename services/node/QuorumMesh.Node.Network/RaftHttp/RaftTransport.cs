using System.Collections.Concurrent;
using System.Net.Sockets;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Raft messages over etcd 3.3's HTTP transport.</summary>
public sealed class RaftTransport : IRaftTransport
{
    private readonly RaftTransportOptions _options;
    private readonly RaftHttpServer _server;
    private readonly HttpClient _http;
    private readonly ConcurrentDictionary<ulong, RaftHttpPeer> _peers = new();
    private readonly ConcurrentDictionary<ulong, RaftHttpPeer> _remotes = new();
    private readonly ConcurrentDictionary<ulong, byte> _removed = new();
    private readonly ConcurrentDictionary<ulong, int> _openStreams = new();
    private readonly Events _events;
    private volatile bool _disposed;

    public RaftTransport(RaftTransportOptions options)
    {
        _options = options;
        _events = new Events(this);
        _server = new RaftHttpServer(options, _events);
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = options.ConnectTimeout,
            ConnectCallback = ConnectAsync,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public event Action<RaftMessage>? MessageReceived;
    public event Action<ulong>? PeerActive;
    public event Action<ulong>? PeerLost;
    public event Action<ulong>? Unreachable;
    public event Action<ulong, bool>? SnapshotReported;
    public event Action<ulong>? RemovedFromCluster;

    /// <summary>The port listened on, known after <see cref="StartAsync"/>.</summary>
    public int Port => _server.Port;

    /// <exception cref="IOException">The address cannot be listened on; the message says what to do.</exception>
    public Task StartAsync() => _server.StartAsync();

    /// <summary>True while a stream from the member is open.</summary>
    public bool IsActive(ulong id) => _openStreams.TryGetValue(id, out var n) && n > 0;

    /// <summary>Streams open from the member: 0, 1 or 2.</summary>
    public int OpenStreams(ulong id) => _openStreams.GetValueOrDefault(id);

    public void AddPeer(ulong id, Uri url)
    {
        if (_disposed || id == _options.Id) return;
        _removed.TryRemove(id, out _);
        if (_peers.TryGetValue(id, out var existing))
        {
            if (existing.Url == url) return;
            Drop(_peers, id);
        }
        Drop(_remotes, id);
        _peers[id] = new RaftHttpPeer(id, url, isRemote: false, _http, _options, _events);
    }

    public void RemovePeer(ulong id)
    {
        _removed[id] = 0;
        Drop(_peers, id);
        Drop(_remotes, id);
    }

    public void Send(IReadOnlyList<RaftMessage> messages)
    {
        foreach (var m in messages)
        {
            if (m.To == 0 || m.To == _options.Id) continue;
            if (_peers.TryGetValue(m.To, out var peer) || _remotes.TryGetValue(m.To, out peer)) peer.Send(m);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        var all = _peers.Values.Concat(_remotes.Values).ToArray();
        foreach (var peer in all) peer.Dispose();
        await _server.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(all.Select(p => p.Completion)).ConfigureAwait(false);
        _http.Dispose();
    }

    private void Drop(ConcurrentDictionary<ulong, RaftHttpPeer> peers, ulong id)
    {
        if (!peers.TryRemove(id, out var peer)) return;
        peer.Dispose();
        _openStreams.TryRemove(id, out _);
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
            await socket.ConnectAsync(context.DnsEndPoint, cancel).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class Events(RaftTransport owner) : IRaftPeerEvents, IRaftServerHost
    {
        public bool IsRemoved(ulong id) => owner._removed.ContainsKey(id);

        public RaftHttpPeer? Peer(ulong id) => owner._peers.GetValueOrDefault(id);

        /// <summary>A sender that is not a member here yet: this node may be behind, and must be able to answer to catch up.</summary>
        public void AddRemote(ulong id, string urls)
        {
            if (owner._disposed || id == owner._options.Id || IsRemoved(id) || owner._peers.ContainsKey(id) || owner._remotes.ContainsKey(id)) return;
            if (owner._remotes.Count >= owner._options.MaxRemotes) return;
            var first = urls.Split(',', 2)[0];
            if (!Uri.TryCreate(first, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp) return;
            var remote = new RaftHttpPeer(id, url, isRemote: true, owner._http, owner._options, this);
            if (!owner._remotes.TryAdd(id, remote)) remote.Dispose();
        }

        public void Received(RaftMessage message)
        {
            if (message.To == owner._options.Id) owner.MessageReceived?.Invoke(message);
        }

        public void StreamOpened(ulong peer)
        {
            if (owner._openStreams.AddOrUpdate(peer, 1, (_, n) => n + 1) == 1) owner.PeerActive?.Invoke(peer);
        }

        public void StreamLost(ulong peer)
        {
            owner._openStreams.AddOrUpdate(peer, 0, (_, n) => n - 1);
            owner.PeerLost?.Invoke(peer);
        }

        public void Unreachable(ulong peer) => owner.Unreachable?.Invoke(peer);

        public void SnapshotSent(ulong peer, bool ok) => owner.SnapshotReported?.Invoke(peer, ok);

        public void RemovedFromCluster(ulong peer) => owner.RemovedFromCluster?.Invoke(peer);
    }
}
