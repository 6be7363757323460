using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>What filters and subscriptions hear of.</summary>
internal abstract record ChainEvent
{
    public sealed record Head(BlockHeader Header) : ChainEvent;

    public sealed record Logs(IReadOnlyList<PlacedLog> Placed) : ChainEvent;

    public sealed record Pending(IReadOnlyList<RecoveredTransaction> Transactions) : ChainEvent;

    /// <param name="Progress">Null when the catch-up has ended.</param>
    public sealed record Syncing(SyncProgress? Progress) : ChainEvent;
}
