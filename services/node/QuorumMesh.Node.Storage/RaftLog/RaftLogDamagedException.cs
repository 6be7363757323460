namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>The log on disk cannot be used: damaged in its middle, or written by something else. The message says what to do.</summary>
public sealed class RaftLogDamagedException(string message) : IOException(message)
{
    /// <summary>The way back; docs/operations.md has it step by step.</summary>
    internal const string Advice =
        "restore raftlog and chaindata together from a backup, or remove this member (raft_removePeer on another) and let it join again "
        + "from an empty data directory under a new id (raft_addPeer, --raftjoinexisting); see 'A damaged Raft log' in docs/operations.md";
}
