namespace QuorumMesh.Consensus.Raft;

/// <summary>Kinds of entry; the numbers are those of etcd's raftpb.EntryType.</summary>
public enum RaftEntryType { Normal = 0, ConfChange = 1 }

/// <summary>One log entry. <paramref name="Data"/> is empty in the entry a new leader begins its term with.</summary>
public sealed record RaftEntry(ulong Term, ulong Index, RaftEntryType Type, byte[] Data);
