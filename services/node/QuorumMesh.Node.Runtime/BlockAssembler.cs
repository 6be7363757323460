using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Builds the blocks that consensus asks for, from the pool, on the head or on blocks that are proposed and not committed. Owned by the
/// writer loop.
/// </summary>
/// <param name="elapsed">See <see cref="NodeCoreSetup.Elapsed"/>.</param>
internal sealed class BlockAssembler(NodeStores stores, ChainWriter chain, TransactionDesk desk, NodeEvents events, Func<long>? elapsed)
{
    /// <returns>Executed and not sealed; null when no transaction fits and it may not be empty.</returns>
    public ExecutedBlock? Build(ConsensusOutput.BuildBlock order)
    {
        var (layer, privateLayer) = order.Ahead is [.., var parent]
            ? (parent.Imported.PublicLayer, chain.Private.Usable(parent.Imported.PrivateLayer))
            : (chain.PublicLayer, chain.Private.Layer);
        var number = order.Header.Number;
        var built = stores.Builder.Build(
            order.Header, order.Author, desk.Ready(order.Taken, number),
            new(layer, privateLayer, n => HashAt(order.Ahead, n), order.PublicAlone ? static _ => null : chain.Private.AnswerFor),
            Timed(order));
        if (built.CutOff is { } slow) HoldBack(slow, number, isFirst: built.Transactions.Count == 0);
        foreach (var (transaction, reason) in built.Skipped)
            if (!MayFitLater(transaction.Tx, reason, built.Block.Header.GasLimit))
                desk.Refused(transaction, TransactionInvalidText.Of(reason));
        if (built.Transactions.Count == 0 && !order.MayBeEmpty) return null;
        return new ExecutedBlock(built.ToImported(), built.Transactions);
    }

    private BuildLimits Timed(ConsensusOutput.BuildBlock order)
    {
        if (order.Budget is not { } budget || elapsed is not { } now) return order.Limits;
        var began = now();
        return order.Limits with
        {
            Stop = () => now() - began >= budget.Adding.TotalMilliseconds,
            CutOff = budget.Total is { TotalMilliseconds: var most } ? () => now() - began >= most : null,
        };
    }

    private void HoldBack(RecoveredTransaction transaction, ulong block, bool isFirst)
    {
        var (held, isDropped) = desk.CutOff(transaction, block, isFirst);
        var what = $"Transaction {held.Hash} (nonce {held.Nonce} of {held.Sender.ToChecksumString()})";
        events.Tell(NoticeLevel.Warning, isDropped
            ? $"{what}, which came from a peer, is dropped: it was still running when the time of {held.Tries} blocks was over; it is "
                + $"taken in again from block {held.NextBlock} on"
            : $"{what} is left out of block {block}: it was still running when the time for making the block was over; it is tried again "
                + $"from block {held.NextBlock} on, and what its sender has sent since waits for it");
    }

    /// <summary>One above the limit of a whole block would not: kept, it would have an empty block built every block time.</summary>
    private static bool MayFitLater(Transaction tx, TransactionInvalid reason, ulong blockGasLimit) => reason switch
    {
        TransactionInvalid.GasLimitReached => tx.GasLimit <= blockGasLimit,
        TransactionInvalid.NonceTooHigh or TransactionInvalid.NonceTooLow => true,
        _ => false,
    };

    /// <summary>The hash of an ancestor: blocks that are only proposed are not in the store yet.</summary>
    private Hash256 HashAt(IReadOnlyList<ExecutedBlock> ahead, ulong number) =>
        ahead.Count > 0 && number >= ahead[0].Block.Number
            ? ahead[(int)(number - ahead[0].Block.Number)].Block.Hash
            : ChainStore.GetCanonicalHash(stores.KeyValues, number) ?? default;
}
