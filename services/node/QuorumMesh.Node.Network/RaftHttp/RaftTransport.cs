using System.Collections.Concurrent;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Raft messages over etcd 3.3's HTTP transport.</summary>
public sealed class RaftTransport : IRaftTransport
{
    private readonly RaftTransportOptions _options;
    private readonly RaftHttpServer _server;
    private readonly OutboundHandlers _handlers;
    private readonly ConcurrentDictionary<ulong, RaftHttpPeer> _peers = new();

    /// <summary>
    /// Peers that the applied membership does not name; true for those that another member vouches for, whose own word counts
    /// less.
    /// </summary>
    private readonly ConcurrentDictionary<ulong, bool> _introduced = new();
    private readonly RaftIntroductions _introductions;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<ulong, byte> _removed = new();
    private readonly ConcurrentDictionary<ulong, int> _openStreams = new();
    private readonly Events _events;
    private byte[] _members = [];
    private volatile bool _disposed;

    /// <summary>Does nothing before <see cref="StartAsync"/>.</summary>
    /// <param name="handlers">The host's.</param>
    public RaftTransport(RaftTransportOptions options, OutboundHandlers handlers)
    {
        (_options, _handlers) = (options, handlers);
        _events = new Events(this);
        _server = new RaftHttpServer(options, _events);
        _introductions = new RaftIntroductions(options, KnownPeers, address => Introduce(address, vouched: true));
    }

    public event Action<RaftMessage>? MessageReceived;
    /// <inheritdoc/>
    public event Action<ulong>? PeerActive;
    /// <inheritdoc/>
    public event Action<ulong>? PeerLost;
    /// <inheritdoc/>
    public event Action<ulong>? Unreachable;
    /// <inheritdoc/>
    public event Action<ulong, bool>? SnapshotReported;
    /// <inheritdoc/>
    public event Action<ulong>? PeerIntroduced;
    /// <inheritdoc/>
    public event Action<ulong, bool>? PeerAnnounced;
    /// <inheritdoc/>
    public event Action<ulong, string, string>? MessageRefused;
    /// <inheritdoc/>
    public event Action<ulong>? RemovedFromCluster;

    /// <summary>The port listened on, known after <see cref="StartAsync"/>.</summary>
    public int Port => _server.Port;

    /// <exception cref="IOException">The address cannot be listened on; the message says what to do.</exception>
    public Task StartAsync() => _server.StartAsync();

    /// <summary>True while a stream from the member is open.</summary>
    public bool IsActive(ulong id) => _openStreams.TryGetValue(id, out var n) && n > 0;

    /// <inheritdoc/>
    public int OpenStreams(ulong id) => _openStreams.GetValueOrDefault(id);

    /// <inheritdoc/>
    public Task<RaftProbe?> ProbeAsync(ulong id, CancellationToken cancellation) =>
        _peers.TryGetValue(id, out var peer) ? RaftProber.AskAsync(peer.Http, peer.Url, cancellation) : Task.FromResult<RaftProbe?>(null);

    /// <inheritdoc/>
    public void AddPeer(RaftAddress member)
    {
        if (member.RaftId == _options.Id) return;
        lock (_gate)
        {
            _removed.TryRemove(member.RaftId, out _);
            _introduced.TryRemove(member.RaftId, out _);
            Connect(member);
        }
    }

    /// <inheritdoc/>
    public void Introduce(RaftAddress member) => Introduce(member, vouched: false);

    /// <inheritdoc/>
    public void PublishMembers(byte[] members) => Volatile.Write(ref _members, members);

    /// <inheritdoc/>
    public void RemovePeer(ulong id)
    {
        lock (_gate)
        {
            _removed[id] = 0;
            _introduced.TryRemove(id, out _);
            Drop(id, peer => peer.Leave());
        }
    }

    /// <inheritdoc/>
    public void Send(IReadOnlyList<RaftMessage> messages)
    {
        foreach (var m in messages)
        {
            if (m.To == 0 || m.To == _options.Id) continue;
            if (_peers.TryGetValue(m.To, out var peer)) peer.Send(m);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        lock (_gate) _disposed = true;
        _introductions.Dispose();
        var all = _peers.Values.ToArray();
        foreach (var peer in all) peer.Dispose();
        await _server.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(all.Select(p => p.Completion)).ConfigureAwait(false);
    }

    /// <summary>What the log says always counts more than what others say, and what is configured more than what is vouched for.</summary>
    private void Introduce(RaftAddress member, bool vouched)
    {
        var id = member.RaftId;
        if (id == _options.Id) return;
        lock (_gate)
        {
            var isKnown = _introduced.TryGetValue(id, out var wasVouched);
            if (_removed.ContainsKey(id) || (!isKnown && _peers.ContainsKey(id))) return;
            if (!isKnown && _introduced.Count >= _options.MaxIntroduced) return;
            // A configured address that answers stays; one that does not may be an old file's.
            if (isKnown && vouched && !wasVouched && IsActive(id)) return;
            _introduced[id] = vouched;
            Connect(member);
        }
        PeerIntroduced?.Invoke(id);
    }

    private void Connect(RaftAddress member)
    {
        var id = member.RaftId;
        if (_disposed || (_peers.TryGetValue(id, out var existing) && existing.Address == member)) return;
        Drop(id, peer => peer.Dispose());
        _peers[id] = new RaftHttpPeer(member, _options, _handlers, _events);
    }

    private void Drop(ulong id, Action<RaftHttpPeer> end)
    {
        if (!_peers.TryRemove(id, out var peer)) return;
        end(peer);
        _openStreams.TryRemove(id, out _);
    }

    /// <summary>Those whose word on others counts: members of the log, and configured ones.</summary>
    private List<RaftHttpPeer> KnownPeers() => [.. _peers.Where(p => !IsVouched(p.Key)).Select(p => p.Value)];

    private bool IsVouched(ulong id) => _introduced.TryGetValue(id, out var vouched) && vouched;

    /// <summary>What its server and the parts of each member's connection ask and report.</summary>
    internal sealed class Events(RaftTransport owner)
    {
        public bool IsRemoved(ulong id) => owner._removed.ContainsKey(id);

        public RaftHttpPeer? Peer(ulong id) => owner._peers.GetValueOrDefault(id);

        public byte[] Members => Volatile.Read(ref owner._members);

        public void Unknown(ulong id)
        {
            if (owner._disposed || id is 0 or > ushort.MaxValue || id == owner._options.Id || IsRemoved(id)) return;
            var isSettled = owner._peers.ContainsKey(id) && (!owner._introduced.ContainsKey(id) || owner.IsActive(id));
            if (!isSettled) owner._introductions.Ask();
        }

        public void Posted(RaftMessage message) => owner.MessageReceived?.Invoke(message);

        public void Refused(RaftMessage message, string reason) => Refused(message.From, message.Type.ToString(), reason);

        /// <param name="kind">A message's type, or what else was asked.</param>
        public void Refused(ulong from, string kind, string reason) => owner.MessageRefused?.Invoke(from, kind, reason);

        /// <summary>A transfer of leadership names the member that is to take over; all else is the sender's own.</summary>
        public void Received(ulong peer, RaftMessage message)
        {
            if (message.From != peer && message.Type != RaftMessageType.TransferLeader) Refused(message, "sender-mismatch");
            else if (message.To == owner._options.Id) owner.MessageReceived?.Invoke(message);
        }

        public void StreamOpened(ulong peer, bool announcesPreVote)
        {
            owner.PeerAnnounced?.Invoke(peer, announcesPreVote);
            if (owner._openStreams.AddOrUpdate(peer, 1, (_, n) => n + 1) == 1) owner.PeerActive?.Invoke(peer);
        }

        /// <param name="byChoice">This member has closed it, to ask for another: the peer is not lost.</param>
        public void StreamEnded(ulong peer, bool byChoice)
        {
            owner._openStreams.AddOrUpdate(peer, 0, (_, n) => n - 1);
            if (!byChoice) owner.PeerLost?.Invoke(peer);
        }

        public void Unreachable(ulong peer) => owner.Unreachable?.Invoke(peer);

        public void SnapshotSent(ulong peer, bool ok) => owner.SnapshotReported?.Invoke(peer, ok);

        /// <summary>One that is only vouched for may be anybody.</summary>
        public void RemovedFromCluster(ulong peer)
        {
            if (!owner.IsVouched(peer)) owner.RemovedFromCluster?.Invoke(peer);
        }
    }
}
