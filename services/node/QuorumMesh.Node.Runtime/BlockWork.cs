using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;

namespace QuorumMesh.Node.Runtime;

/// <summary>A measure of what executing a block takes, by which the writer loop divides long work into steps.</summary>
internal static class BlockWork
{
    /// <summary>For reading and storing it.</summary>
    private const long Base = 200_000;

    /// <returns>In gas. A private transaction has no gas in the header: it counts at its limit, though at most as a large call.</returns>
    public static long Of(Block block)
    {
        const long largeCall = 1_000_000;
        var work = Base + (long)Math.Min(block.Header.GasUsed, long.MaxValue / 2);
        foreach (var transaction in block.Transactions)
            work += (long)(transaction.IsPrivate ? Math.Min(transaction.GasLimit, largeCall) : IntrinsicGas.Transaction);
        return work;
    }
}
