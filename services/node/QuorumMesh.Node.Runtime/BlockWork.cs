using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;

namespace QuorumMesh.Node.Runtime;

/// <summary>A measure of what executing a block takes, by which the writer loop divides long work into steps.</summary>
internal static class BlockWork
{
    /// <summary>For reading and storing it.</summary>
    public const long Base = 200_000;

    private const ulong LargeCall = 1_000_000;

    /// <returns>In gas. A private transaction has no gas in the header: it counts at its limit, though at most as a large call.</returns>
    public static long Of(Block block)
    {
        var work = Base + (long)Math.Min(block.Header.GasUsed, long.MaxValue / 2);
        foreach (var transaction in block.Transactions)
            work += transaction.IsPrivate ? Of(transaction) : (long)IntrinsicGas.Transaction;
        return work;
    }

    /// <returns>In gas, of one transaction that is run by itself.</returns>
    public static long Of(Transaction transaction) =>
        // Nobody but parties knows the gas limit of the transaction in a marker.
        PrivacyMarker.Is(transaction) ? (long)LargeCall : (long)Math.Min(transaction.GasLimit, LargeCall);
}
