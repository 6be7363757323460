namespace QuorumMesh.Consensus.Raft;

/// <summary>Kinds of change; the numbers are those of etcd's raftpb.ConfChangeType. One entry changes one member, so that old and
/// new quorum always overlap (Raft thesis, section 4.1).</summary>
public enum RaftConfChangeType { AddNode = 0, RemoveNode = 1, UpdateNode = 2, AddLearnerNode = 3 }

/// <summary>A change of one member. <paramref name="Context"/> is the application's (GoQuorum: the member's address as RLP).</summary>
public sealed record RaftConfChange(ulong Id, RaftConfChangeType Type, ulong NodeId, byte[] Context);

/// <summary>A first member of a new cluster.</summary>
public sealed record RaftPeer(ulong Id, byte[] Context);
