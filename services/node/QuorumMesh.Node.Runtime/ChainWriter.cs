using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node.Runtime;

/// <summary>A block that was executed and is not stored yet.</summary>
internal sealed record ExecutedBlock(ImportedBlock Imported, IReadOnlyList<RecoveredTransaction> Transactions)
{
    public Block Block => Imported.Block;

    /// <summary>The same block under its final header: sealing changes extra data and hash only.</summary>
    public ExecutedBlock WithHeader(BlockHeader sealedHeader) =>
        this with { Imported = Imported with { Block = Block with { Header = sealedHeader } } };
}

/// <summary>
/// Moves the public head, each move in one batch. The private head goes along when every payload answer is at hand; otherwise it stays, and
/// <see cref="PrivateSide.Advance"/> brings it on later. Owned by the writer loop.
/// </summary>
internal sealed class ChainWriter
{
    /// <summary>How many diffs a small block drops at most of a backlog.</summary>
    private const int LeastPruned = 4_096;

    private readonly NodeStores _stores;
    private readonly NodeEvents _events;
    private readonly ulong? _keptPublicBlocks;

    /// <param name="keptPublicBlocks">
    /// Public states further behind the head are dropped, those that the private side needs excepted; null keeps all (archive).
    /// </param>
    public ChainWriter(NodeStores stores, PrivateSide privateSide, NodeEvents events, ulong? keptPublicBlocks)
    {
        (_stores, _events, _keptPublicBlocks, Private) = (stores, events, keptPublicBlocks, privateSide);
        var head = ChainStore.GetPublicHead(stores.KeyValues) ?? throw new InvalidOperationException("the store has no genesis");
        Head = ChainStore.GetHeader(stores.KeyValues, head.Hash)
            ?? throw new ChainCorruptException($"the head block {head.Hash} is not stored");
        TotalDifficulty = ChainStore.GetTotalDifficulty(stores.KeyValues, head.Hash) ?? UInt256.Zero;
    }

    public BlockHeader Head { get; private set; }

    public UInt256 TotalDifficulty { get; private set; }

    public StateLayer PublicLayer => _stores.Public.Head;

    public PrivateSide Private { get; }

    public bool Knows(in Hash256 hash) => ChainStore.IsCanonical(_stores.KeyValues, hash);

    /// <summary>Stores a committed block on the head.</summary>
    /// <param name="prepared">The block as this minter executed it, which saves doing it again.</param>
    /// <param name="alongside">What else moves in the same batch.</param>
    /// <exception cref="NodeHaltedException">
    /// The block does not build on the head, or does not execute to its own roots; nothing was written.
    /// </exception>
    public ExecutedBlock Import(Block block, ExecutedBlock? prepared, Action<KeyValueBatch> alongside)
    {
        // One that was executed before is not looked at again: the head may have moved since.
        if (block.Header.ParentHash != Head.Hash)
            throw new NodeHaltedException(
                $"block {block.Number} ({block.Hash}) does not build on the head, block {Head.Number} ({Head.Hash})");
        var executed = WithUsablePrivateSide(prepared ?? Execute(block));
        var imported = executed.Imported;
        var isWhole = imported.PrivateLayer is not null;
        var batch = new KeyValueBatch();
        var difficulty = TotalDifficulty + block.Header.Difficulty;
        _stores.Importer.Put(batch, imported, difficulty);
        // In the same batch as both heads: a crash leaves all of them before the block or all behind it.
        if (isWhole) Private.Note(batch, block, executed.Transactions, imported.Execution);
        _stores.Creations.Note(batch, block.Number, executed.Transactions);
        alongside(batch);
        Prune(block.Number, batch);
        Private.ReleaseReplay(batch);
        // Not flushed: after a power loss the Raft log, which is, brings the block again. Memory moves only after the write, and
        // events come last.
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Importer.Advance(imported);
        _stores.ReleaseProofs();
        // Events only from here on: who hears of a head must be able to read its state.
        (Head, TotalDifficulty) = (block.Header, difficulty);
        if (isWhole) Private.Follow(block, imported.Execution);
        _events.Raise(new HeadEvent(block));
        _events.RaiseLogs(block.Header, executed.Transactions, imported.Execution.Receipts);
        if (isWhole) _events.RaiseLogs(block.Header, executed.Transactions, imported.Execution.PrivateReceipts ?? []);
        return executed;
    }

    /// <summary>Before a block on the head that a peer sent: that it is the network's decision, where blocks say so themselves.</summary>
    /// <exception cref="NodeHaltedException">It is not sealed by as many as decide.</exception>
    public void RequireDecided(BlockHeader header)
    {
        if (_stores.Rules.Bft?.RefuseUndecided(header, Head) is not { } reason) return;
        var text = $"block {header.Number} ({header.Hash}) is not decided: {reason}";
        throw new NodeHaltedException(text, new InvalidBlockException(text, isHeader: true));
    }

    /// <summary>Before a block on the head that was executed as a proposal and came with seals: that its validators made them.</summary>
    /// <exception cref="NodeHaltedException">The header breaks a rule.</exception>
    public void RequireValid(BlockHeader header)
    {
        if (_stores.Rules.EngineAt(header.Number).VerifyHeader(header, Head) is not { } reason) return;
        var text = $"block {header.Number} ({header.Hash}) is not valid here: {reason}";
        throw new NodeHaltedException(text, new InvalidBlockException(text, isHeader: true));
    }

    /// <summary>
    /// Executes the public side of a proposal on the head; nothing is stored. What only some validators hold, and the header's gas does not
    /// bound, is left for the time after the decision; without such transactions the private state goes along as it is.
    /// </summary>
    /// <param name="stop">Ends it; null never does.</param>
    /// <exception cref="NodeHaltedException">The block does not execute to its own roots.</exception>
    /// <exception cref="Evm.ExecutionStoppedException">It was stopped.</exception>
    public ExecutedBlock ExecuteProposal(Block block, Func<bool>? stop) => Execute(block, static _ => null, isProposal: true, stop);

    /// <summary>Executes a block on the head, to its end however long it takes: what the network has decided depends on no clock.</summary>
    /// <exception cref="NodeHaltedException">The block does not execute to its own roots.</exception>
    private ExecutedBlock Execute(Block block) => Execute(block, Private.AnswerFor, isProposal: false, stop: null);

    private ExecutedBlock Execute(Block block, Func<PayloadHash, PayloadAnswer?> payloads, bool isProposal, Func<bool>? stop)
    {
        var transactions = _stores.Recovered(block);
        try
        {
            var imported = _stores.Importer.Import(
                block, Head, transactions, new(PublicLayer, Private.Layer, _stores.BlockHashAt, payloads), isProposal, stop);
            return new ExecutedBlock(imported, transactions);
        }
        catch (InvalidBlockException e)
        {
            throw new NodeHaltedException(
                $"block {block.Number} ({block.Hash}) was committed by the network but is not valid here: {e.Message}", e);
        }
    }

    /// <summary>A private side that was run ahead is given up when it can no longer move the private head.</summary>
    private ExecutedBlock WithUsablePrivateSide(ExecutedBlock executed) =>
        executed.Imported.PrivateLayer is null || Private.Takes(executed.Imported) ? executed
            : executed with { Imported = executed.Imported with { PrivateLayer = null } };

    private void Prune(ulong number, KeyValueBatch batch)
    {
        if (_keptPublicBlocks is not { } kept || number <= kept) return;
        // Not past the head as it was before this block: its layer is what the store can prune below.
        var keepFrom = Math.Min(Math.Min(number - kept, Private.NeededPublicBlock), _stores.Public.Head.Block);
        if (keepFrom > _stores.Public.OldestBlock) _stores.Public.Prune(keepFrom, batch, PruneBudget(batch));
    }

    /// <summary>
    /// The batch holds a value and a diff for each key that the block changed: dropping as many as that keeps up with any chain, and costs
    /// no block more than itself.
    /// </summary>
    private static int PruneBudget(KeyValueBatch batch) => Math.Max(LeastPruned, batch.Count);
}
