using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>
/// A transaction that created a contract touched by this one, with the proof that the sender holds its master key (64 bytes
/// each).
/// </summary>
public sealed record AffectedTransaction(PayloadHash Hash, byte[] SecurityHash);
