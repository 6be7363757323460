using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>Executes whole blocks: both sides in one pass, the public side alone, or the private side again later.</summary>
public sealed class BlockExecutor(ChainRules rules)
{
    /// <summary>
    /// Runs both sides when a private state is given and every payload is answered for; otherwise the public side alone, with what
    /// is missing named in the result.
    /// </summary>
    /// <param name="payloads">Null for a hash means missing or unavailable.</param>
    /// <exception cref="InvalidBlockException">A transaction cannot be in the block at its place.</exception>
    public BlockExecution Execute(
        BlockHeader header,
        IReadOnlyList<RecoveredTransaction> transactions,
        IStateReader publicState,
        IStateReader? privateState,
        Func<PayloadHash, PrivatePayload?> payloads,
        Func<ulong, Hash256> blockHash)
    {
        var missing = privateState is null ? [] : FindMissing(transactions, payloads);
        var run = new BlockRun(rules, header, rules.Engine.Author(header), publicState, missing.Count > 0 ? null : privateState, payloads, blockHash);
        Apply(run, header, transactions);
        var execution = run.Complete();
        return missing.Count == 0 ? execution : execution with { MissingPayloads = missing };
    }

    /// <summary>
    /// Runs a canonical block for its private side. The public side runs along on <paramref name="publicState"/>, the state before
    /// the block, because private code reads the public state of its own place in the block; its result is thrown away.
    /// </summary>
    /// <returns>With <see cref="BlockExecution.MissingPayloads"/> and no private changes when a payload is not there.</returns>
    /// <exception cref="InvalidBlockException">The public side does not come out as the header says.</exception>
    public BlockExecution Replay(
        BlockHeader header,
        IReadOnlyList<RecoveredTransaction> transactions,
        IStateReader publicState,
        IStateReader privateState,
        Func<PayloadHash, PrivatePayload?> payloads,
        Func<ulong, Hash256> blockHash)
    {
        var missing = FindMissing(transactions, payloads);
        if (missing.Count > 0)
            return Waiting(missing);
        var run = new BlockRun(rules, header, rules.Engine.Author(header), publicState, privateState, payloads, blockHash, keepsPublic: false);
        Apply(run, header, transactions);
        var execution = run.Complete();
        if (execution.GasUsed != header.GasUsed)
            throw new InvalidBlockException($"replay of block {header.Number} used {execution.GasUsed} gas, its header says {header.GasUsed}: the state it ran on is not the one before the block");
        return execution;
    }

    private static BlockExecution Waiting(IReadOnlyList<PayloadHash> missing) => new()
    {
        PublicChanges = new StateChangeSet(),
        Receipts = [],
        GasUsed = 0,
        Bloom = new Bloom(),
        HasPrivateTransactions = true,
        MissingPayloads = missing,
    };

    private static List<PayloadHash> FindMissing(IReadOnlyList<RecoveredTransaction> transactions, Func<PayloadHash, PrivatePayload?> payloads)
    {
        var missing = new List<PayloadHash>();
        foreach (var (tx, _) in transactions)
        {
            if (tx.IsPrivate && tx.Data.Length == PayloadHash.Size && payloads(new PayloadHash(tx.Data)) is null)
                missing.Add(new PayloadHash(tx.Data));
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
