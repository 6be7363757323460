namespace QuorumMesh.Consensus.Raft;

public enum RaftEntryType { Normal = 0, ConfChange = 1 }

/// <summary>One log entry. <paramref name="Data"/> is empty in the entry a new leader begins its term with.</summary>
public sealed record RaftEntry(ulong Term, ulong Index, RaftEntryType Type, byte[] Data);
