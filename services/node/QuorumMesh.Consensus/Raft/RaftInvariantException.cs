namespace QuorumMesh.Consensus.Raft;

/// <summary>The log contradicts what the cluster has committed: this member must stop, its log was lost or damaged.</summary>
public sealed class RaftInvariantException(string message) : InvalidOperationException(message);
