using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Which part of a block is looked at again.</summary>
/// <param name="First">Index of the first transaction of interest; those before it only lead there.</param>
/// <param name="Count">Transactions of interest.</param>
internal sealed record ReplayTarget(Block Block, int First, int Count)
{
    public int End => First + Count;

    /// <summary>Of the private transactions that are run, the well-formed hashes.</summary>
    public IReadOnlyList<PayloadHash> Payloads =>
        [.. Block.Transactions.Take(End).Select(t => t.PayloadHash).OfType<PayloadHash>().Distinct()];

    /// <summary>Public outcomes never depend on the private side.</summary>
    public bool IsPublic => !Block.Transactions.Skip(First).Take(Count).Any(t => t.IsPrivate);
}
