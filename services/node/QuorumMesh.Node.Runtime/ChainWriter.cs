using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
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
    private readonly PrivateWindow _window;
    private readonly ManagerRecord _manager;
    private readonly ulong _rewindLimit;
    private PrivateRun? _run;
    private ulong? _rewindTo;

    /// <param name="keptPublicBlocks">Public states further behind the head are dropped, the private head's own excepted; null keeps all (archive).</param>
    /// <param name="rewindLimit">Blocks that the private state goes back for a late payload by itself.</param>
    public ChainWriter(NodeStores stores, PayloadCache payloads, NodeEvents events, ulong? keptPublicBlocks, ManagerRecord manager, ulong rewindLimit)
    {
        (_manager, _rewindLimit) = (manager, rewindLimit);
        (_stores, _payloads, _events, _keptPublicBlocks) = (stores, payloads, events, keptPublicBlocks);
        (_replay, _window) = (new PublicReplay(stores), new PrivateWindow(stores));
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

    public bool Knows(in Hash256 hash) => ChainStore.IsCanonical(_stores.KeyValues, hash);

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
        if (imported.PrivateLayer is not null) NotePrivate(batch, block, imported.Execution);
        alongside(batch);
        Prune(block.Number, batch);
        ReleaseReplay(batch);
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Importer.Advance(imported);
        ReleaseProofs();
        (Head, TotalDifficulty) = (block.Header, difficulty);
        if (imported.PrivateLayer is not null)
        {
            PrivateHead = new BlockPointer(block.Number, block.Hash);
            foreach (var hash in block.PayloadHashes) _payloads.Used(hash);
        }
        _events.Raise(new HeadEvent(block));
        RaiseLogs(block.Header, executed.Transactions, imported.Execution.Receipts);
        if (imported.PrivateLayer is not null) RaiseLogs(block.Header, executed.Transactions, imported.Execution.PrivateReceipts ?? []);
        return executed;
    }

    /// <summary>
    /// Runs private transactions of the next block behind the public head as far as their payload answers are here. The head moves at the block's end; how far the block
    /// came before is in memory alone.
    /// </summary>
    /// <param name="gas">Goes up by what it was worth.</param>
    /// <param name="limit">Of gas: it stops there, in the middle of a block too.</param>
    /// <returns>False when the head did not move: there is no such block, it is not at its end, or the public state before it is still being made again.</returns>
    public bool AdvancePrivate(ref long gas, long limit)
    {
        if (_rewindTo is { } target)
        {
            gas += (long)(BlocksPerRewind * IntrinsicGas.Transaction);
            Rewind(target);
            return true;
        }
        if (PrivateHead.Number >= Head.Number) return false;
        if (_run is null)
        {
            var block = NextPrivateBlock();
            gas += BlockWork.Base;
            if (!block.Transactions.Any(t => t.IsPrivate))
            {
                FinishPrivate(block, [], Nothing());
                return true;
            }
            _run = new PrivateRun(_stores.Rules, block, Recovered(block), _stores.Private.Head, BlockHashAt);
        }
        if (!_run.IsDone) ContinueRun(_run, ref gas, limit);
        if (!_run.IsDone) return false;
        FinishPrivate(_run.Block, _run.Transactions, _run.Complete());
        return true;
    }

    /// <summary>The payload that the block behind the private head cannot go on without; null when it can.</summary>
    public PayloadHash? AwaitedPayload => _run?.Awaited is { } hash && PayloadFor(hash) is null ? hash : null;

    /// <summary>The payloads that the private head needs next, in the order of their use, some way ahead.</summary>
    public IEnumerable<PayloadHash> UpcomingPayloads() =>
        PrivateHead.Number >= Head.Number || IsRewinding ? [] : _window.After(PrivateHead.Number, Head.Number, _run?.Passed ?? 0);

    /// <summary>
    /// A payload came that an executed block was run without: takes the private state back to before its first use, so that it is run again. A long way is gone in
    /// parts, the later ones by <see cref="AdvancePrivate"/>; one beyond the limit is left to the operator.
    /// </summary>
    /// <returns>False when no executed block treated the hash as foreign, or the way is too long.</returns>
    public bool RewindPrivateBefore(in PayloadHash hash)
    {
        if (_run?.Skipped.Contains(hash) == true) _run = null;
        if (!SkippedPayloads.Contains(_stores.KeyValues, hash)) return false;
        var first = ulong.MaxValue;
        foreach (var use in ChainStore.GetPayloadUses(_stores.KeyValues, hash))
            if (use.BlockNumber <= PrivateHead.Number) first = Math.Min(first, use.BlockNumber);
        if (first == ulong.MaxValue) return false;
        var isOnTheWay = _rewindTo <= first - 1;
        if (!isOnTheWay && PrivateHead.Number - (first - 1) > _rewindLimit)
        {
            LeaveLate(hash, first);
            return false;
        }
        _events.Tell(NoticeLevel.Information, $"Payload {hash} came after its block {first} was run: the private state goes back {PrivateHead.Number - (first - 1)} blocks and runs them again");
        Rewind(Math.Min(first - 1, _rewindTo ?? ulong.MaxValue));
        return true;
    }

    /// <summary>The operator's way back: to the state after a block, however far.</summary>
    /// <returns>False when the private head is not past the block.</returns>
    public bool RewindPrivateTo(ulong block)
    {
        var goal = Math.Min(block, _rewindTo ?? ulong.MaxValue);
        if (PrivateHead.Number <= goal) return false;
        _events.Tell(NoticeLevel.Warning, $"The operator takes the private state back from block {PrivateHead.Number} to {goal}");
        Rewind(goal);
        return true;
    }

    private void LeaveLate(in PayloadHash hash, ulong first)
    {
        if (!LatePayloads.Add(_stores.KeyValues, hash, first)) return;
        _events.Tell(NoticeLevel.Warning,
            $"Payload {hash} came after its block {first} was run, {PrivateHead.Number - (first - 1)} blocks back: more than --private.rewind-limit ({_rewindLimit}), so the private state stays without it until 'qmesh private rewind'");
    }

    /// <summary>What execution is to do with a payload; null when the manager's answer is not here.</summary>
    public PayloadAnswer? PayloadFor(PayloadHash hash) => _payloads.Find(hash);

    /// <summary>Executes a block on the head; nothing is stored.</summary>
    /// <param name="isProposal">What only the network's decision adds to the header may be missing.</param>
    /// <exception cref="NodeHaltedException">The block does not execute to its own roots.</exception>
    public ExecutedBlock Execute(Block block, bool isProposal = false)
    {
        var transactions = Recovered(block);
        try
        {
            var imported = _stores.Importer.Import(
                block, Head, transactions, new(PublicLayer, PrivateLayer, BlockHashAt, PayloadFor), isProposal);
            return new ExecutedBlock(imported, transactions);
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
            && executed.Imported.Execution.SkippedPayloads.All(hash => _payloads.Find(hash) is { Availability: PayloadAvailability.NotAParty });
        return usable ? executed : executed with { Imported = executed.Imported with { PrivateLayer = null } };
    }

    private void Rewind(ulong goal)
    {
        var number = PrivateHead.Number - goal > BlocksPerRewind ? PrivateHead.Number - BlocksPerRewind : goal;
        var target = new BlockPointer(number, BlockHashAt(number));
        var batch = new KeyValueBatch();
        var layer = _stores.Private.Rewind(number, batch);
        ChainStore.PutPrivateHead(batch, ChainStore.PrivateStateId, target);
        LatePayloads.RemoveAfter(_stores.KeyValues, number, batch);
        _manager.Put(batch);
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Private.Advance(layer);
        ReleaseProofs();
        PrivateHead = target;
        _run = null;
        _window.Clear();
        _rewindTo = number == goal ? null : goal;
    }

    private void ContinueRun(PrivateRun run, ref long gas, long limit)
    {
        if (run.Awaited is { } hash && PayloadFor(hash) is null) return;
        var before = run.Block.Number - 1;
        if (before >= _stores.Public.OldestBlock)
        {
            using var snapshot = _stores.KeyValues.Snapshot();
            run.Continue(_stores.Public.At(snapshot, before), _payloads, PayloadFor, ref gas, limit);
            return;
        }
        try
        {
            if (_replay.StateAfter(before) is { } past) run.Continue(past, _payloads, PayloadFor, ref gas, limit);
        }
        finally
        {
            _replay.Close();
        }
    }

    private void FinishPrivate(Block block, RecoveredTransaction[] transactions, BlockExecution execution)
    {
        var layer = _stores.Private.Extend(_stores.Private.Head, block.Number, execution.PrivateChanges!);
        var batch = new KeyValueBatch();
        _stores.Importer.PutPrivate(batch, block.Header, layer, execution);
        NotePrivate(batch, block, execution);
        ReleaseReplay(batch);
        _stores.KeyValues.Write(batch, sync: false);
        _stores.Private.Advance(layer);
        ReleaseProofs();
        PrivateHead = new BlockPointer(block.Number, block.Hash);
        _run = null;
        RaiseLogs(block.Header, transactions, execution.PrivateReceipts ?? []);
    }

    private static BlockExecution Nothing() => new() { PublicChanges = new StateChangeSet(), PrivateChanges = new StateChangeSet(), Receipts = [], GasUsed = 0, Bloom = new Bloom() };

    /// <summary>With each move of the private head: what it was run without, and what the manager knew.</summary>
    private void NotePrivate(KeyValueBatch batch, Block block, BlockExecution execution)
    {
        _manager.Put(batch);
        foreach (var hash in block.PayloadHashes)
        {
            if (execution.SkippedPayloads.Contains(hash)) SkippedPayloads.Add(batch, hash);
            else SkippedPayloads.Remove(batch, hash);
        }
    }

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
