using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>What filters and subscriptions hear of.</summary>
internal abstract record ChainEvent
{
    public sealed record Head(BlockHeader Header) : ChainEvent;

    public sealed record Logs(IReadOnlyList<PlacedLog> Placed) : ChainEvent;

    public sealed record Pending(IReadOnlyList<Hash256> Hashes) : ChainEvent;
}
