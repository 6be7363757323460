using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Store;

namespace QuorumMesh.Chain.Execution;

/// <param name="MaxTransactions">At most so many in the block.</param>
/// <param name="MaxBytes">Of the transactions' encodings.</param>
/// <param name="Stop">Asked before each transaction but the first; true ends the block there. For a deadline.</param>
/// <param name="CutOff">Asked within a transaction, see <see cref="EvmOptions.Stop"/>; true ends the block before it.</param>
public sealed record BuildLimits(
    int MaxTransactions = int.MaxValue, long MaxBytes = long.MaxValue, Func<bool>? Stop = null, Func<bool>? CutOff = null);

/// <summary>A candidate that was left out, and GoQuorum's reason.</summary>
public readonly record struct SkippedTransaction(RecoveredTransaction Transaction, TransactionInvalid Reason);

/// <summary>A block before sealing, with the states after it.</summary>
/// <param name="Transactions">Those in the block, in order.</param>
/// <param name="CutOff">The transaction that <see cref="BuildLimits.CutOff"/> ended the block at; null for none.</param>
/// <param name="PrivateLayer">Null when the private side was not run.</param>
public sealed record BuiltBlock(
    Block Block,
    IReadOnlyList<RecoveredTransaction> Transactions,
    BlockExecution Execution,
    StateLayer PublicLayer,
    StateLayer? PrivateLayer,
    IReadOnlyList<SkippedTransaction> Skipped,
    RecoveredTransaction? CutOff = null)
{
    /// <summary>The same block under its final header: sealing changes extra data and hash only.</summary>
    public BuiltBlock WithHeader(BlockHeader sealedHeader) => this with { Block = Block with { Header = sealedHeader } };

    /// <summary>As an import would have made it: the minter need not execute its own block again.</summary>
    public ImportedBlock ToImported() => new(Block, Execution, PublicLayer, PrivateLayer);
}

/// <summary>Assembles blocks from candidates, skipping as GoQuorum's worker does.</summary>
public sealed class BlockBuilder(ChainRules rules, StateStore publicStore, StateStore privateStore)
{
    /// <param name="prepared">From the engine's producer: everything but roots, bloom and gas used.</param>
    /// <param name="author">COINBASE: the zero address under Raft, the local validator under IBFT.</param>
    /// <param name="inputs">With the layers of the parent block; see <see cref="BlockRun"/>.</param>
    public BuiltBlock Build(BlockHeader prepared, in Address author, ITransactionSource candidates, ExecutionInputs<StateLayer> inputs,
        BuildLimits limits)
    {
        var run = new BlockRun(rules, prepared, author, inputs.AsReaders(), stop: limits.CutOff);
        var included = new List<RecoveredTransaction>();
        var skipped = new List<SkippedTransaction>();
        var cutOff = Fill(run, candidates, limits, included, skipped);

        var execution = run.Complete();
        var publicLayer = publicStore.Extend(inputs.PublicState, prepared.Number, execution.PublicChanges);
        var privateLayer = inputs.PrivateState is { } privateParent && execution.PrivateChanges is { } changes
            ? privateStore.Extend(privateParent, prepared.Number, changes)
            : null;
        var transactions = included.ConvertAll(static t => t.Tx);
        var header = prepared with
        {
            StateRoot = publicLayer.Root,
            TransactionsRoot = BlockValidator.TransactionsRoot(transactions),
            ReceiptsRoot = execution.Receipts.Count == 0 ? Hash256.EmptyTrie : execution.ReceiptsRoot,
            Bloom = execution.Bloom,
            GasUsed = execution.GasUsed,
        };
        return new BuiltBlock(new Block(header, transactions), included, execution, publicLayer, privateLayer, skipped, cutOff);
    }

    /// <returns>The transaction that the time ran out in; null for none.</returns>
    private static RecoveredTransaction? Fill(BlockRun run, ITransactionSource candidates, BuildLimits limits,
        List<RecoveredTransaction> included, List<SkippedTransaction> skipped)
    {
        long bytes = 0;
        // As 2.5:miner/worker.go: below 21000 gas nothing fits. A transaction that fails for want of gas or for a nonce gap takes
        // its sender out of the block, since the later nonces cannot follow; other reasons pass over it alone.
        while (included.Count < limits.MaxTransactions && run.GasLeft >= IntrinsicGas.Transaction)
        {
            if (included.Count > 0 && limits.Stop?.Invoke() == true) return null;
            if (candidates.Peek() is not { } candidate || bytes + candidate.Tx.Size > limits.MaxBytes) return null;
            if (Apply(run, candidate) is not { } invalid) return candidate;
            if (invalid == TransactionInvalid.None)
            {
                included.Add(candidate);
                bytes += candidate.Tx.Size;
                candidates.Shift();
                continue;
            }
            skipped.Add(new SkippedTransaction(candidate, invalid));
            if (invalid is TransactionInvalid.GasLimitReached or TransactionInvalid.NonceTooHigh)
                candidates.Pop();
            else
                candidates.Shift();
        }
        return null;
    }

    private static TransactionInvalid? Apply(BlockRun run, RecoveredTransaction candidate)
    {
        try
        {
            return run.Apply(candidate);
        }
        catch (ExecutionStoppedException)
        {
            return null;
        }
    }
}
