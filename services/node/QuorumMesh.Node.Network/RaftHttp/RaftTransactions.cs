using System.Runtime.CompilerServices;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>What the p2p network knows of transactions, so that Raft's blocks need not bring them along. Thread safe.</summary>
/// <param name="Find">
/// The consensus form for each hash, in the order asked; empty for one that is not here. The forms hash to what they are found by.
/// </param>
/// <param name="HeldBy">
/// Whether a node (its id, 128 lower-case hex digits) has a transaction, or it is on its way there; null for one that is not connected.
/// </param>
public sealed record RaftTransactions(
    Func<IReadOnlyList<Hash256>, ReadOnlyMemory<byte>[]> Find, Func<string, Predicate<Hash256>?> HeldBy)
{
    /// <summary>Hashing a block is done once for all members, and forgotten with the block.</summary>
    internal ConditionalWeakTable<byte[], Lazy<NameableBlock>> Blocks { get; } = new();
}
