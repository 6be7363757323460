using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>A sender's transactions in the pool, in nonce order.</summary>
/// <param name="Pending">Executable.</param>
/// <param name="Queued">Behind a gap.</param>
public sealed record SenderContent(Address Sender, IReadOnlyList<RecoveredTransaction> Pending, IReadOnlyList<RecoveredTransaction> Queued);
