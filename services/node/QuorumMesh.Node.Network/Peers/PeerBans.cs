namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Node keys that this node does not talk to for a time. Bounded: when there are too many, the one that would end first is let off. Thread
/// safe.
/// </summary>
internal sealed class PeerBans(TimeProvider time, int capacity = 4_096)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Since, TimeSpan Duration, string Reason)> _bans = new(StringComparer.Ordinal);

    public void Add(string nodeId, string reason, TimeSpan duration)
    {
        lock (_lock)
        {
            if (_bans.Count >= capacity && !_bans.ContainsKey(nodeId))
                _bans.Remove(_bans.MinBy(ban => Left(ban.Value)).Key);
            _bans[nodeId] = (time.GetTimestamp(), duration, reason);
        }
    }

    public void Remove(string nodeId)
    {
        lock (_lock)
            _bans.Remove(nodeId);
    }

    /// <summary>Why, and for how long yet; null when it is not banned.</summary>
    public (string Reason, TimeSpan Left)? Find(string nodeId)
    {
        lock (_lock)
        {
            if (!_bans.TryGetValue(nodeId, out var ban))
                return null;
            if (Left(ban) is var left && left > TimeSpan.Zero)
                return (ban.Reason, left);
            _bans.Remove(nodeId);
            return null;
        }
    }

    private TimeSpan Left((long Since, TimeSpan Duration, string Reason) ban) => ban.Duration - time.GetElapsedTime(ban.Since);
}
