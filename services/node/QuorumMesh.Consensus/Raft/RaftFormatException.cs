namespace QuorumMesh.Consensus.Raft;

/// <summary>Bytes that are not a raft message, entry or address.</summary>
public sealed class RaftFormatException(string message) : FormatException(message);
