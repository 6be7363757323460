using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>Executes whole blocks: both sides in one pass, or the public side alone; the private side later is <see cref="PrivateReplay"/>.</summary>
public sealed class BlockExecutor(ChainRules rules)
{
    /// <summary>
    /// Runs both sides when a private state is given and every payload is answered for; otherwise the public side alone, with what
    /// is missing named in the result.
    /// </summary>
    /// <param name="payloads">Null for a hash counts as an answer that is not settled.</param>
    /// <exception cref="InvalidBlockException">A transaction cannot be in the block at its place.</exception>
    public BlockExecution Execute(
        BlockHeader header,
        IReadOnlyList<RecoveredTransaction> transactions,
        IStateReader publicState,
        IStateReader? privateState,
        Func<PayloadHash, PayloadAnswer?> payloads,
        Func<ulong, Hash256> blockHash)
    {
        var missing = privateState is null ? [] : FindMissing(transactions, payloads);
        var run = new BlockRun(rules, header, rules.EngineAt(header.Number).Author(header), publicState, missing.Count > 0 ? null : privateState, payloads, blockHash);
        Apply(run, header, transactions);
        var execution = run.Complete();
        return missing.Count == 0 ? execution : execution with { MissingPayloads = missing };
    }

    private static List<PayloadHash> FindMissing(IReadOnlyList<RecoveredTransaction> transactions, Func<PayloadHash, PayloadAnswer?> payloads)
    {
        var missing = new List<PayloadHash>();
        foreach (var (tx, _) in transactions)
        {
            if (tx.PayloadHash is { } hash && payloads(hash) is not { IsSettled: true })
                missing.Add(hash);
        }
        return missing;
    }

    private static void Apply(BlockRun run, BlockHeader header, IReadOnlyList<RecoveredTransaction> transactions)
    {
        foreach (var transaction in transactions)
        {
            var invalid = run.Apply(transaction);
            if (invalid != TransactionInvalid.None)
                throw new InvalidBlockException($"block {header.Number} is invalid: transaction {transaction.Tx.Hash}: {TransactionInvalidText.Of(invalid)}");
        }
    }
}
