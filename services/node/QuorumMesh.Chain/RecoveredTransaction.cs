using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>A transaction whose sender was recovered once, at the edge. Pool, minter and execution take nothing else.</summary>
public sealed record RecoveredTransaction(Transaction Tx, Address Sender);
