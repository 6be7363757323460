using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// Executes whole blocks: both sides in one pass, or the public side alone; the private side later is
/// <see cref="PrivateExecution"/>.
/// </summary>
public sealed class BlockExecutor(ChainRules rules)
{
    /// <summary>
    /// Runs both sides when a private state is given and every payload is answered for; otherwise the public side alone, with what
    /// is missing named in the result.
    /// </summary>
    /// <param name="stop">See <see cref="Evm.EvmOptions.Stop"/>; asked between transactions too. Null for a decided block.</param>
    /// <exception cref="Evm.ExecutionStoppedException">It was true.</exception>
    /// <exception cref="InvalidBlockException">A transaction cannot be in the block at its place.</exception>
    public BlockExecution Execute(
        BlockHeader header, IReadOnlyList<RecoveredTransaction> transactions, ExecutionInputs<IStateReader> inputs,
        Func<bool>? stop = null)
    {
        // All or nothing for the private side: a block that was run without one of its payloads would leave a private state that
        // differs from the other parties' for good.
        var missing = inputs.PrivateState is null ? [] : FindMissing(header.Number, transactions, inputs);
        var author = rules.EngineAt(header.Number).Author(header);
        var run = new BlockRun(rules, header, author, missing.Count > 0 ? inputs with { PrivateState = null } : inputs,
            stop: stop);
        Apply(run, header, transactions, stop);
        var execution = run.Complete();
        return missing.Count == 0 ? execution : execution with { MissingPayloads = missing };
    }

    private List<PayloadHash> FindMissing(
        ulong block, IReadOnlyList<RecoveredTransaction> transactions, ExecutionInputs<IStateReader> inputs)
    {
        var missing = new List<PayloadHash>();
        foreach (var transaction in transactions)
        {
            if (PrivateInput.Of(rules, block, transaction)?.TakeAll(rules, block, hash => inputs.AnswerFor(hash)) is { } absent)
                missing.Add(absent);
        }
        return missing;
    }

    private static void Apply(BlockRun run, BlockHeader header, IReadOnlyList<RecoveredTransaction> transactions, Func<bool>? stop)
    {
        foreach (var transaction in transactions)
        {
            if (stop is not null && stop()) throw new Evm.ExecutionStoppedException();
            var invalid = run.Apply(transaction);
            if (invalid != TransactionInvalid.None)
                throw new InvalidBlockException(
                    $"block {header.Number} is invalid: transaction {transaction.Tx.Hash}: {TransactionInvalidText.Of(invalid)}");
        }
    }
}
