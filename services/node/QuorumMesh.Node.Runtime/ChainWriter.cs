using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>A block that was executed and is not stored yet.</summary>
/// <param name="Skipped">Payload hashes that its private side left out as not ours.</param>
internal sealed record ExecutedBlock(ImportedBlock Imported, IReadOnlyList<RecoveredTransaction> Transactions, IReadOnlyList<PayloadHash> Skipped)
{
    public Block Block => Imported.Block;
}

/// <summary>
/// Moves the two heads, each move in one batch. The private side runs in the same pass when every payload answer is at hand, otherwise the private head stays and
/// <see cref="AdvancePrivate"/> brings it on later. Owned by the writer loop.
/// </summary>
internal sealed class ChainWriter
{
    /// <summary>How many diffs a small block drops at most of a backlog.</summary>
    private const int LeastPruned = 4_096;

    /// <summary>How far the private state goes back at once: what is changed on the way is in memory.</summary>
    private const ulong BlocksPerRewind = 1_024;

    private readonly NodeStores _stores;
    private readonly PayloadCache _payloads;
    private readonly NodeEvents _events;
    private readonly ulong? _keptPublicBlocks;
    private readonly PublicReplay _replay;
    private ulong? _rewindTo;

    /// <param name="keptPublicBlocks">Public states further behind the head are dropped, the private head's own excepted; null keeps all (archive).</param>
    public ChainWriter(NodeStores stores, PayloadCache payloads, NodeEvents events, ulong? keptPublicBlocks)
    {
        (_stores, _payloads, _events, _keptPublicBlocks, _replay) = (stores, payloads, events, keptPublicBlocks, new PublicReplay(stores));
        var head = ChainStore.GetPublicHead(stores.KeyValues) ?? throw new InvalidOperationException("the store has no genesis");
        Head = ChainStore.GetHeader(stores.KeyValues, head.Hash) ?? throw new ChainCorruptException($"the head block {head.Hash} is not stored");
        PrivateHead = ChainStore.GetPrivateHead(stores.KeyValues) ?? throw new ChainCorruptException("the private head is not stored");
        TotalDifficulty = ChainStore.GetTotalDifficulty(stores.KeyValues, head.Hash) ?? UInt256.Zero;
    }

    public BlockHeader Head { get; private set; }

    public BlockPointer PrivateHead { get; private set; }

    public UInt256 TotalDifficulty { get; private set; }

    public StateLayer PublicLayer => _stores.Public.Head;

    /// <summary>The private state of the public head, null while the private head is further behind.</summary>
    public StateLayer? PrivateLayer => PrivateHead.Number == Head.Number ? _stores.Private.Head : null;

    /// <summary>
    /// A private state that was run ahead of the heads, or null when it no longer stands on the private state of the public head: the private head may have gone back for a
    /// payload that came late, or stayed behind at a block imported since.
    /// </summary>
    public StateLayer? Usable(StateLayer? ahead)
    {
        var below = ahead;
        while (below?.Parent is { } parent) below = parent;
        return below is not null && ReferenceEquals(below, PrivateLayer) ? ahead : null;
    }

    /// <summary>True while the private state goes back, part by part, to before a payload that came late.</summary>
    public bool IsRewinding => _rewindTo is not null;

    public bool Knows(in Hash256 hash) => ChainStore.GetHeader(_stores.KeyValues, hash) is { } header && ChainStore.GetCanonicalHash(_stores.KeyValues, header.Number) == hash;

    /// <summary>Stores a committed block on the head.</summary>
    /// <param name="prepared">The block as this minter executed it, which saves doing it again.</param>
    /// <param name="alongside">What else moves in the same batch.</param>
    /// <exception cref="NodeHaltedException">The block does not execute to its own roots.</exception>
    public ExecutedBlock Import(Block block, ExecutedBlock? prepared, Action<KeyValueBatch> alongside)
    {
        var executed = WithUsablePrivateSide(prepared ?? Execute(block));
        var imported = executed.Imported;
        var batch = new KeyValueBatch();
        var difficulty = TotalDifficulty + block.Header.Difficulty;
        _stores.Importer.Put(batch, imported, difficulty);
        if (imported.PrivateLayer is not null) NoteParticipation(batch, block, executed.Skipped);
        alongside(batch);
        Prune(block.Number, batch);
        ReleaseReplay(batch);
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Importer.Advance(imported);
        ReleaseProofs();
        (Head, TotalDifficulty) = (block.Header, difficulty);
        if (imported.PrivateLayer is not null) PrivateHead = new BlockPointer(block.Number, block.Hash);
        _events.Raise(new HeadEvent(block));
        RaiseLogs(block.Header, executed.Transactions, imported.Execution.Receipts);
        if (imported.PrivateLayer is not null) RaiseLogs(block.Header, executed.Transactions, imported.Execution.PrivateReceipts ?? []);
        return executed;
    }

    /// <summary>Executes the private transactions of the next block behind the public head, if its payload answers are all here.</summary>
    /// <param name="gas">Goes up by what it was worth.</param>
    /// <returns>False when there is no such block, an answer is missing, or the public state before it is still being made again.</returns>
    public bool AdvancePrivate(ref long gas)
    {
        if (_rewindTo is { } target)
        {
            gas += (long)(BlocksPerRewind * IntrinsicGas.Transaction);
            Rewind(target);
            return true;
        }
        if (PrivateHead.Number >= Head.Number) return false;
        var block = NextPrivateBlock();
        RecoveredTransaction[] transactions = block.Transactions.Any(t => t.IsPrivate) ? Recovered(block) : [];
        if (RunPrivate(block, transactions) is not ({ } layer, var execution)) return false;
        gas += BlockWork.Of(block);
        var batch = new KeyValueBatch();
        _stores.Importer.PutPrivate(batch, block.Header, layer, execution);
        NoteParticipation(batch, block, SkippedOf(block));
        ReleaseReplay(batch);
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Private.Advance(layer);
        ReleaseProofs();
        PrivateHead = new BlockPointer(block.Number, block.Hash);
        RaiseLogs(block.Header, transactions, execution.PrivateReceipts ?? []);
        return true;
    }

    /// <summary>The payloads that the next private block still needs an answer for.</summary>
    public IReadOnlyList<PayloadHash> NeededPayloads() =>
        PrivateHead.Number >= Head.Number || IsRewinding ? [] : [.. PrivateHashes(NextPrivateBlock()).Where(hash => _payloads.Find(hash) is null)];

    /// <summary>
    /// A payload came that an executed block was run without: takes the private state back to before its first use, so that it is run again. A long way is gone in
    /// parts, the later ones by <see cref="AdvancePrivate"/>.
    /// </summary>
    /// <returns>False when no executed block treated the hash as foreign.</returns>
    public bool RewindPrivateBefore(in PayloadHash hash)
    {
        if (!SkippedPayloads.Contains(_stores.KeyValues, hash)) return false;
        var first = ulong.MaxValue;
        foreach (var use in ChainStore.GetPayloadUses(_stores.KeyValues, hash))
            if (use.BlockNumber <= PrivateHead.Number) first = Math.Min(first, use.BlockNumber);
        if (first == ulong.MaxValue) return false;
        Rewind(Math.Min(first - 1, _rewindTo ?? ulong.MaxValue));
        return true;
    }

    /// <summary>What execution is to do with a payload; null when the manager's answer is not here.</summary>
    public PrivatePayload? PayloadFor(PayloadHash hash) => _payloads.Find(hash) switch
    {
        { Availability: PayloadAvailability.Here, Payload: { } payload } => PrivatePayload.Of(payload),
        { Availability: PayloadAvailability.NotAParty } => PrivatePayload.NotAParty,
        _ => null,
    };

    /// <summary>The payload hashes of a block that stand as not ours just now.</summary>
    public IReadOnlyList<PayloadHash> SkippedOf(Block block) =>
        [.. PrivateHashes(block).Where(hash => _payloads.Find(hash) is { Availability: PayloadAvailability.NotAParty })];

    private ExecutedBlock Execute(Block block)
    {
        var transactions = Recovered(block);
        try
        {
            var imported = _stores.Importer.Import(block, Head, transactions, PublicLayer, PrivateLayer, PayloadFor, BlockHashAt);
            return new ExecutedBlock(imported, transactions, SkippedOf(block));
        }
        catch (InvalidBlockException e)
        {
            throw new NodeHaltedException($"block {block.Number} ({block.Hash}) was committed by the network but is not valid here: {e.Message}", e);
        }
    }

    /// <summary>A private side that was run ahead is given up when it no longer stands on the private head, or a payload it left out has come since.</summary>
    private ExecutedBlock WithUsablePrivateSide(ExecutedBlock executed)
    {
        if (executed.Imported.PrivateLayer is not { } layer) return executed;
        var usable = ReferenceEquals(layer.Parent, _stores.Private.Head)
            && executed.Skipped.All(hash => _payloads.Find(hash) is { Availability: PayloadAvailability.NotAParty });
        return usable ? executed : executed with { Imported = executed.Imported with { PrivateLayer = null } };
    }

    private void Rewind(ulong goal)
    {
        var number = PrivateHead.Number - goal > BlocksPerRewind ? PrivateHead.Number - BlocksPerRewind : goal;
        var target = new BlockPointer(number, BlockHashAt(number));
        var batch = new KeyValueBatch();
        var layer = _stores.Private.Rewind(number, batch);
        ChainStore.PutPrivateHead(batch, ChainStore.PrivateStateId, target);
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Private.Advance(layer);
        ReleaseProofs();
        PrivateHead = target;
        _rewindTo = number == goal ? null : goal;
    }

    private (StateLayer? Layer, BlockExecution Execution) RunPrivate(Block block, RecoveredTransaction[] transactions)
    {
        if (!block.Transactions.Any(t => t.IsPrivate))
            return (_stores.Private.Extend(_stores.Private.Head, block.Number, new StateChangeSet()), Nothing());
        if (NeededPayloads().Count > 0) return (null, Nothing());
        if (block.Number - 1 < _stores.Public.OldestBlock) return Remade();
        using var snapshot = _stores.KeyValues.Snapshot();
        return Replay(_stores.Public.At(snapshot, block.Number - 1));

        (StateLayer?, BlockExecution) Remade()
        {
            try
            {
                return _replay.StateAfter(block.Number - 1) is { } past ? Replay(past) : (null, Nothing());
            }
            finally
            {
                _replay.Close();
            }
        }

        (StateLayer?, BlockExecution) Replay(IStateReader publicState) =>
            _stores.Importer.Replay(block.Header, transactions, publicState, _stores.Private.Head, PayloadFor, BlockHashAt);
    }

    private static BlockExecution Nothing() => new() { PublicChanges = new StateChangeSet(), Receipts = [], GasUsed = 0, Bloom = new Bloom() };

    private static void NoteParticipation(KeyValueBatch batch, Block block, IReadOnlyList<PayloadHash> skipped)
    {
        foreach (var hash in PrivateHashes(block))
        {
            if (skipped.Contains(hash)) SkippedPayloads.Add(batch, hash);
            else SkippedPayloads.Remove(batch, hash);
        }
    }

    /// <summary>The payload hashes of a block's private transactions. Data of another length names no payload: its transaction is nobody's.</summary>
    private static IEnumerable<PayloadHash> PrivateHashes(Block block) =>
        block.Transactions.Where(t => t.IsPrivate && t.Data.Length == PayloadHash.Size).Select(t => new PayloadHash(t.Data));

    private Block NextPrivateBlock() =>
        ChainStore.GetBlock(_stores.KeyValues, PrivateHead.Number + 1) ?? throw new ChainCorruptException($"block {PrivateHead.Number + 1} is below the head and not stored");

    private RecoveredTransaction[] Recovered(Block block) =>
        _stores.Senders.RecoverAll(block.Transactions, _stores.Rules.SenderRulesAt(block.Number))
        ?? throw new NodeHaltedException($"block {block.Number} ({block.Hash}) was committed by the network but holds a transaction whose sender cannot be recovered; check that --quorum.profile and the genesis are those of the network");

    private Hash256 BlockHashAt(ulong number) => ChainStore.GetCanonicalHash(_stores.KeyValues, number) ?? default;

    private void Prune(ulong number, KeyValueBatch batch)
    {
        if (_keptPublicBlocks is not { } kept || number <= kept) return;
        // Not past the head as it was before this block: its layer is what the store can prune below.
        var keepFrom = Math.Min(Math.Min(number - kept, NeededPublicBlock), _stores.Public.Head.Block);
        if (keepFrom > _stores.Public.OldestBlock) _stores.Public.Prune(keepFrom, batch, PruneBudget(batch));
    }

    /// <summary>The oldest public state that the private side has yet to run on.</summary>
    private ulong NeededPublicBlock => _rewindTo ?? PrivateHead.Number;

    private void ReleaseReplay(KeyValueBatch batch)
    {
        if (NeededPublicBlock >= _stores.Public.OldestBlock) _replay.Release(batch);
    }

    private void ReleaseProofs()
    {
        _stores.Public.ReleaseProofs();
        _stores.Private.ReleaseProofs();
    }

    /// <summary>The batch holds a value and a diff for each key that the block changed: dropping as many as that keeps up with any chain, and costs no block more than itself.</summary>
    private static int PruneBudget(KeyValueBatch batch) => Math.Max(LeastPruned, batch.Count);

    private void RaiseLogs(BlockHeader header, IReadOnlyList<RecoveredTransaction> transactions, IReadOnlyList<Receipt?> receipts)
    {
        var withLogs = new List<TransactionLogs>();
        for (var i = 0; i < receipts.Count; i++)
            if (receipts[i] is { Logs.Count: > 0 } receipt) withLogs.Add(new TransactionLogs(transactions[i], i, receipt));
        if (withLogs.Count > 0) _events.Raise(new LogsEvent(header, withLogs));
    }
}
