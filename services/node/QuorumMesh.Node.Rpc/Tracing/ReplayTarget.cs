using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Which part of a block is looked at again.</summary>
/// <param name="First">Index of the first transaction of interest; those before it only lead there.</param>
/// <param name="Count">Transactions of interest.</param>
internal sealed record ReplayTarget(Block Block, int First, int Count)
{
    public int End => First + Count;

    /// <summary>Of the private transactions that are run, and of markers, what names a payload.</summary>
    public IReadOnlyList<PayloadHash> PayloadsOf(ChainRules rules) =>
        [.. Block.Transactions.Take(End).Select(t => rules.PayloadOf(t, Block.Number)).OfType<PayloadHash>().Distinct()];

    /// <summary>Those that are named by markers.</summary>
    public IEnumerable<PayloadHash> MarkersOf(ChainRules rules) => Block.Transactions.Take(End).Where(t => !t.IsPrivate)
        .Select(t => rules.PayloadOf(t, Block.Number)).OfType<PayloadHash>();

    /// <summary>Public outcomes never depend on the private side. A marker is watched as the public transaction that it is.</summary>
    public bool IsPublic => !Block.Transactions.Skip(First).Take(Count).Any(t => t.IsPrivate);
}
