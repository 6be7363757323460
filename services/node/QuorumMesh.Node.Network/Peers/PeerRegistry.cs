namespace QuorumMesh.Node.Network.Peers;

/// <summary>All connections past Hello, one per node id. Thread safe.</summary>
internal sealed class PeerRegistry(string selfId, int maxPeers, TimeProvider time)
{
    /// <summary>Two connections started within this time of each other count as dialled at the same moment.</summary>
    private static readonly TimeSpan SameMoment = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private volatile Peer[] _active = [];

    /// <summary>Those past Status.</summary>
    public Peer[] Active => _active;

    public Peer[] All
    {
        get
        {
            lock (_lock)
                return [.. _peers.Values];
        }
    }

    public Peer? Find(string nodeId)
    {
        lock (_lock)
            return _peers.GetValueOrDefault(nodeId);
    }

    public Peer? FindActive(string nodeId) => Array.Find(_active, peer => peer.NodeId == nodeId);

    public bool IsFull
    {
        get
        {
            lock (_lock)
                return _peers.Count >= maxPeers;
        }
    }

    /// <summary>
    /// Null when the peer got its place; <paramref name="replaced"/> is then the connection it takes it from, to be closed.
    /// </summary>
    public DisconnectReason? TryAdd(Peer peer, out Peer? replaced)
    {
        lock (_lock)
        {
            if (_peers.TryGetValue(peer.NodeId, out replaced) && !Supersedes(peer, replaced))
                return DisconnectReason.AlreadyConnected;
            if (replaced is null && !peer.Info.Static && _peers.Count >= maxPeers)
                return DisconnectReason.TooManyPeers;
            _peers[peer.NodeId] = peer;
            return null;
        }
    }

    /// <summary>False when it has lost its place meanwhile.</summary>
    public bool Activate(Peer peer)
    {
        lock (_lock)
        {
            if (_peers.GetValueOrDefault(peer.NodeId) != peer)
                return false;
            _active = [.. _active, peer];
            return true;
        }
    }

    public void Remove(Peer peer)
    {
        lock (_lock)
        {
            if (_peers.GetValueOrDefault(peer.NodeId) == peer)
                _peers.Remove(peer.NodeId);
            _active = Array.FindAll(_active, other => other != peer);
        }
    }

    /// <summary>
    /// When both sides dial at once, both keep the connection that the larger id started. Otherwise a new connection from the
    /// other side means that it has lost the old one, even if this side has not noticed yet.
    /// </summary>
    private bool Supersedes(Peer candidate, Peer existing)
    {
        if (candidate.Info.Inbound == existing.Info.Inbound)
            return candidate.Info.Inbound;
        if (time.GetElapsedTime(existing.ConnectedAt) > SameMoment)
            return candidate.Info.Inbound;
        bool selfIsLarger = string.CompareOrdinal(selfId, candidate.NodeId) > 0;
        return candidate.Info.Inbound != selfIsLarger;
    }
}
