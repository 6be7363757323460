using QuorumMesh.Node.Runtime.Consensus;

namespace QuorumMesh.Node.Runtime;

/// <summary>The waits that consensus has asked for, one of each kind. Owned by the writer loop.</summary>
internal sealed class NodeTimers
{
    private readonly long?[] _dueAt = new long?[Enum.GetValues<ConsensusTimer>().Length];

    /// <summary>In <see cref="NodeTime.Milliseconds"/>; null when nothing is waited for.</summary>
    public long? Next => _dueAt.Min();

    public void Set(ConsensusTimer timer, TimeSpan? after, NodeTime now) =>
        _dueAt[(int)timer] = after is { } wait ? now.Milliseconds + (long)wait.TotalMilliseconds : null;

    /// <summary>In <see cref="NodeTime.Milliseconds"/>; null when it is not waited for.</summary>
    public long? DueAt(ConsensusTimer timer) => _dueAt[(int)timer];

    /// <returns>One that is due, which ends its wait; null when none is.</returns>
    public ConsensusTimer? TakeDue(NodeTime now)
    {
        for (var i = 0; i < _dueAt.Length; i++)
        {
            if (!(_dueAt[i] <= now.Milliseconds)) continue;
            _dueAt[i] = null;
            return (ConsensusTimer)i;
        }
        return null;
    }
}
