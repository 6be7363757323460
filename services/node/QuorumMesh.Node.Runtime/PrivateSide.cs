using System.Buffers.Binary;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// One private state beside the chain: its head, which follows the public one, and its way back to before a payload that came late. Each
/// move of the head goes in one batch. Owned by the writer loop.
/// </summary>
internal sealed class PrivateSide
{
    /// <summary>How far the state goes back at once: what is changed on the way is in memory.</summary>
    private const ulong BlocksPerRewind = 1_024;

    /// <summary>How often extensions that ended long ago are looked for.</summary>
    private const ulong BlocksPerDrop = 1_024;

    /// <summary>Of one block's private transactions that came to nothing.</summary>
    private const int MostTold = 5;

    private readonly NodeStores _stores;
    private readonly StateStore _state;
    private readonly PayloadCache _payloads;
    private readonly NodeEvents _events;
    private readonly ManagerRecord _manager;
    private readonly PublicReplay _replay;
    private readonly PrivateWindow _window;
    private readonly ulong _rewindLimit;
    private readonly string _rewindName;
    private PrivateRun? _run;
    private ulong? _rewindTo;
    private string? _stoppedBy;

    /// <param name="id">What head and receipts are stored under; GoQuorum's private state identifier (PSI).</param>
    /// <param name="rewindLimit">Blocks that the state goes back for a late payload by itself.</param>
    public PrivateSide(string id, NodeStores stores, PayloadCache payloads, NodeEvents events, ManagerRecord manager, ulong rewindLimit)
    {
        (Id, _stores, _state) = (id, stores, stores.Private);
        (_payloads, _events, _manager, _rewindLimit) = (payloads, events, manager, rewindLimit);
        _rewindName = StoredNames.PrivateRewind + id;
        (_replay, _window) = (new PublicReplay(stores), new PrivateWindow(stores, payloads));
        Head = ChainStore.GetPrivateHead(stores.KeyValues, id) ?? throw new ChainCorruptException("the private head is not stored");
        // A process that ended on the way back: nobody may come again and ask for it.
        _rewindTo = LoadRewind() is { } goal && goal < Head.Number ? goal : null;
    }

    public string Id { get; }

    /// <summary>The last block whose private transactions were run; never past the public head.</summary>
    public BlockPointer Head { get; private set; }

    /// <summary>The state of the public head, null while this head is further behind.</summary>
    public StateLayer? Layer => IsBehind ? null : _state.Head;

    public bool IsBehind => Head.Number < PublicHead;

    /// <summary>True while the state goes back, part by part, to before a payload that came late.</summary>
    public bool IsRewinding => _rewindTo is not null;

    /// <summary>Where it goes back to; null while it does not.</summary>
    public ulong? RewindsTo => _rewindTo;

    /// <summary>The oldest public state that this side has yet to run on.</summary>
    public ulong NeededPublicBlock => _rewindTo ?? Head.Number;

    /// <summary>The payload that the block behind the head cannot go on without; null when it can.</summary>
    public PayloadHash? AwaitedPayload => AwaitedVote ?? (_run is { Awaited: { } hash } run && AnswerFor(run, hash) is null ? hash : null);

    /// <summary>The same of a vote on a contract extension: its payload is here, and whether it is ours is not known.</summary>
    public PayloadHash? AwaitedVote => _run?.AwaitedVote is { } vote && Votes.Find(vote) is null ? vote : null;

    /// <summary>Which votes on contract extensions are this participant's.</summary>
    public VoteCache Votes { get; } = new();

    private ulong PublicHead => _stores.Public.Head.Block;

    /// <summary>The payloads that the head needs next, in the order of their use, some way ahead.</summary>
    public IEnumerable<PayloadHash> UpcomingPayloads() =>
        !IsBehind || IsRewinding ? []
        : _run?.AwaitedInner is { } inner ? _window.After(Head.Number, PublicHead, _run.Passed).Prepend(inner)
        : _window.After(Head.Number, PublicHead, _run?.Passed ?? 0);

    /// <summary>
    /// What of GoQuorum's private transactions the next one needs and this version does not run: the head stops before it. Null when it is
    /// none of these.
    /// </summary>
    public string? Unsupported => _stoppedBy
        ?? (_run is { Awaited: { } hash, AwaitsMarker: false, AwaitsShare: false } run && _payloads.Find(hash) is { } answer
            ? UnsupportedPrivacy.Of(_stores.Rules, run.Block.Number, answer) : null);

    /// <summary>What execution is to do with a payload; null when no settled answer of the manager is here.</summary>
    public PayloadAnswer? AnswerFor(PayloadHash hash) => _payloads.Find(hash);

    /// <summary>
    /// A state that was run ahead of the heads, or null when it no longer stands on the state of the public head: the head may have gone
    /// back for a payload that came late, or stayed behind at a block imported since.
    /// </summary>
    public StateLayer? Usable(StateLayer? ahead)
    {
        var below = ahead;
        while (below?.Parent is { } parent) below = parent;
        return below is not null && ReferenceEquals(below, Layer) ? ahead : null;
    }

    /// <summary>
    /// Whether a block that was run earlier may move the head: it stands on it, and no payload that it was run without has come since.
    /// </summary>
    public bool Takes(ImportedBlock imported) => imported.PrivateLayer is { } layer
        && UnsupportedPrivacy.Of(_stores.Rules, imported.Block) is null
        && ReferenceEquals(layer.Parent, _state.Head)
        && imported.Execution.SkippedPayloads.All(hash => AnswerFor(hash) is { Availability: PayloadAvailability.NotAParty });

    /// <summary>With each move of the head: what the block was run without, and what the manager knew.</summary>
    public void Note(KeyValueBatch batch, Block block, IReadOnlyList<RecoveredTransaction> transactions, BlockExecution execution)
    {
        // With the head: which manager's database it was made from must never be newer or older than the head itself.
        _manager.Put(batch);
        for (var i = 0; i < block.Transactions.Count; i++)
        {
            var tx = block.Transactions[i];
            if (_stores.Rules.PayloadOf(tx, block.Number) is not { } named) continue;
            Note(batch, named, execution);
            // The chain's index of payloads has those that are the data of private transactions.
            if (tx.PayloadHash is null) ChainStore.PutPayloadUse(batch, named, block.Number, (uint)i);
        }
        if (execution.MarkedPayloads.Count > 0) MarkedPayloads.Put(batch, block.Number, execution.MarkedPayloads);
        foreach (var (index, hash) in execution.MarkedPayloads)
        {
            Note(batch, hash, execution);
            ChainStore.PutPayloadUse(batch, hash, block.Number, (uint)index);
        }
        foreach (var hash in execution.SharePayloads)
        {
            if (execution.SkippedPayloads.Contains(hash)) SkippedPayloads.AddShared(batch, hash, block.Number);
            else SkippedPayloads.RemoveShared(batch, hash, block.Number);
        }
        ExtensionIndex.Note(_stores.KeyValues, batch, block, transactions, execution);
        if (block.Number % BlocksPerDrop == 0)
            ExtensionIndex.DropOld(_stores.KeyValues, batch, block.Number, Math.Max(_rewindLimit, BlocksPerDrop));
    }

    /// <summary>The note of having been a stranger: without it a payload that comes late finds no block to run again.</summary>
    private static void Note(KeyValueBatch batch, in PayloadHash hash, BlockExecution execution)
    {
        if (execution.SkippedPayloads.Contains(hash)) SkippedPayloads.Add(batch, hash);
        else SkippedPayloads.Remove(batch, hash);
    }

    /// <summary>Both sides of a block were run in one pass, and are stored.</summary>
    public void Follow(Block block, BlockExecution execution)
    {
        Head = new BlockPointer(block.Number, block.Hash);
        foreach (var hash in _stores.Rules.PayloadsOf(block)) _payloads.Used(hash);
        foreach (var (_, hash) in execution.MarkedPayloads) _payloads.Used(hash);
        Tell(block, execution);
    }

    /// <summary>Public history that was made again goes once this side no longer needs it.</summary>
    public void ReleaseReplay(KeyValueBatch batch)
    {
        if (NeededPublicBlock >= _stores.Public.OldestBlock) _replay.Release(batch);
    }

    /// <summary>
    /// Runs private transactions of the next block behind the public head as far as their payload answers are here. The head moves at the
    /// block's end; how far the block came before is in memory alone.
    /// </summary>
    /// <param name="gas">Goes up by what it was worth.</param>
    /// <param name="limit">Of gas: it stops there, in the middle of a block too.</param>
    /// <param name="isOver">As the limit, asked after each transaction; null for no other limit.</param>
    /// <returns>
    /// False when the head did not move: there is no such block, it is not at its end, or the public state before it is still being made
    /// again.
    /// </returns>
    public bool Advance(ref long gas, long limit, Func<bool>? isOver = null)
    {
        if (_rewindTo is { } target)
        {
            gas += (long)(BlocksPerRewind * IntrinsicGas.Transaction);
            Rewind(target);
            return true;
        }
        if (!IsBehind) return false;
        if (_run is null)
        {
            var block = NextBlock();
            if ((_stoppedBy = UnsupportedPrivacy.Of(_stores.Rules, block)) is not null) return false;
            gas += BlockWork.Base;
            if (!block.Transactions.Any(t => _stores.Rules.HasPrivateSide(t, block.Number)))
            {
                Finish(block, [], Nothing());
                return true;
            }
            _run = new PrivateRun(_stores.Rules, block, _stores.Recovered(block), _state.Head, _stores.BlockHashAt);
        }
        if (!_run.IsDone) Continue(_run, ref gas, limit, isOver);
        if (!_run.IsDone) return false;
        Finish(_run.Block, _run.Transactions, _run.Complete());
        return true;
    }

    /// <summary>
    /// A payload came that an executed block was run without: takes the state back to before its first use, so that it is run again. A long
    /// way is gone in parts, the later ones by <see cref="Advance"/>; one beyond the limit is left to the operator.
    /// </summary>
    /// <returns>False when no executed block treated the hash as foreign, or the way is too long.</returns>
    public bool RewindBefore(in PayloadHash hash)
    {
        // The block under way was begun without this payload: it starts again.
        if (_run?.Skipped.Contains(hash) == true) _run = null;
        if (!SkippedPayloads.Contains(_stores.KeyValues, hash)) return false;
        var first = ulong.MaxValue;
        foreach (var use in ChainStore.GetPayloadUses(_stores.KeyValues, hash))
            if (use.BlockNumber <= Head.Number) first = Math.Min(first, use.BlockNumber);
        foreach (var (shared, block) in SkippedPayloads.Shared(_stores.KeyValues))
            if (shared == hash && block <= Head.Number) first = Math.Min(first, block);
        if (first == ulong.MaxValue) return false;
        var isOnTheWay = _rewindTo <= first - 1;
        if (!isOnTheWay && Head.Number - (first - 1) > _rewindLimit)
        {
            LeaveLate(hash, first);
            return false;
        }
        _events.Tell(NoticeLevel.Information, $"Payload {hash} came after its block {first} was run: "
            + $"the private state goes back {Head.Number - (first - 1)} blocks and runs them again");
        Rewind(Math.Min(first - 1, _rewindTo ?? ulong.MaxValue));
        return true;
    }

    /// <summary>The operator's way back: to the state after a block, however far.</summary>
    /// <returns>False when the head is not past the block.</returns>
    public bool RewindTo(ulong block)
    {
        var goal = Math.Min(block, _rewindTo ?? ulong.MaxValue);
        if (Head.Number <= goal) return false;
        _events.Tell(NoticeLevel.Warning, $"The operator takes the private state back from block {Head.Number} to {goal}");
        Rewind(goal, isPromised: true);
        return true;
    }

    private void LeaveLate(in PayloadHash hash, ulong first)
    {
        if (!LatePayloads.Add(_stores.KeyValues, hash, first)) return;
        _events.Tell(NoticeLevel.Warning, $"Payload {hash} came after its block {first} was run, {Head.Number - (first - 1)} blocks back: "
            + $"more than --private.rewind-limit ({_rewindLimit}), so the private state stays without it until 'qmesh private rewind'");
    }

    /// <param name="isPromised">Somebody was told of it, and asks for it no more.</param>
    private void Rewind(ulong goal, bool isPromised = false)
    {
        var number = Head.Number - goal > BlocksPerRewind ? Head.Number - BlocksPerRewind : goal;
        var target = new BlockPointer(number, _stores.BlockHashAt(number));
        var batch = new KeyValueBatch();
        var layer = _state.Rewind(number, batch);
        ChainStore.PutPrivateHead(batch, Id, target);
        // With the first part: a process that ends before the last would run on without the payload that it is for.
        if (number != goal || IsRewinding) PutRewind(batch, number == goal ? null : goal);
        LatePayloads.RemoveAfter(_stores.KeyValues, number, batch);
        ExtensionIndex.RemoveAfter(_stores.KeyValues, number, batch);
        _manager.Put(batch);
        // By itself not flushed: a power loss takes writes from the end, and what it goes back for comes again, for it is noted as skipped,
        // and the stream's number is written behind the last part.
        _stores.KeyValues.Write(batch, isPromised);
        _state.Advance(layer);
        _stores.ReleaseProofs();
        Head = target;
        _run = null;
        _window.Clear();
        _rewindTo = number == goal ? null : goal;
        _stoppedBy = null;
    }

    private void PutRewind(KeyValueBatch batch, ulong? goal)
    {
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, goal ?? 0);
        ChainStore.PutMeta(batch, _rewindName, goal is null ? default : value);
    }

    private ulong? LoadRewind() => ChainStore.GetMeta(_stores.KeyValues, _rewindName) is { Length: 8 } value
        ? BinaryPrimitives.ReadUInt64BigEndian(value.Span) : null;

    private void Continue(PrivateRun run, ref long gas, long limit, Func<bool>? isOver)
    {
        if (AwaitedPayload is not null) return;
        var before = run.Block.Number - 1;
        // Private code reads the public state of its own place in the chain, not today's: other parties may have run it long ago.
        if (before >= _stores.Public.OldestBlock)
        {
            using var snapshot = _stores.KeyValues.Snapshot();
            run.Continue(_stores.Public.At(snapshot, before), _payloads, h => AnswerFor(run, h), Votes.Find, ref gas, limit, isOver);
            return;
        }
        try
        {
            if (_replay.StateAfter(before) is { } past)
                run.Continue(past, _payloads, h => AnswerFor(run, h), Votes.Find, ref gas, limit, isOver);
        }
        finally
        {
            _replay.Close();
        }
    }

    /// <summary>As <see cref="AnswerFor(PayloadHash)"/>; null too when it asks for what the block cannot have.</summary>
    private PayloadAnswer? AnswerFor(PrivateRun run, PayloadHash hash) =>
        AnswerFor(hash) is { } answer
            && (run.AwaitsMarker || run.AwaitsShare || UnsupportedPrivacy.Of(_stores.Rules, run.Block.Number, answer) is null)
            ? answer : null;

    private void Finish(Block block, RecoveredTransaction[] transactions, BlockExecution execution)
    {
        var layer = _state.Extend(_state.Head, block.Number, execution.PrivateChanges!);
        var batch = new KeyValueBatch();
        BlockImporter.PutPrivate(batch, Id, _state, block.Header, layer, execution);
        Note(batch, block, transactions, execution);
        ReleaseReplay(batch);
        // Not flushed: a move of this head that a power loss takes back is made again from the stored block.
        _stores.KeyValues.Write(batch, sync: false);
        _state.Advance(layer);
        _stores.ReleaseProofs();
        Head = new BlockPointer(block.Number, block.Hash);
        _run = null;
        TellRefused(block, execution);
        _events.RaiseLogs(block.Header, transactions, execution.PrivateReceipts ?? []);
        Tell(block, execution);
    }

    /// <summary>What failed here alone, or at parties alone, is in no receipt's words.</summary>
    private void Tell(Block block, BlockExecution execution)
    {
        foreach (var (transaction, reason) in execution.Refusals.Take(MostTold))
            _events.Tell(NoticeLevel.Warning, $"Transaction {transaction} of block {block.Number} {reason}");
        if (execution.Refusals.Count > MostTold)
            _events.Tell(NoticeLevel.Warning, $"{execution.Refusals.Count - MostTold} more of block {block.Number} are like these");
    }

    private void TellRefused(Block block, BlockExecution execution)
    {
        foreach (var refused in execution.RefusedShares)
            _events.Tell(NoticeLevel.Error, $"The state of contract {refused.Contract}, shared in block {block.Number} by extension "
                + $"{refused.Management}, was not taken: {refused.Reason}. This participant has no code for it: have it extended again");
    }

    private static BlockExecution Nothing() => new()
    {
        PublicChanges = new StateChangeSet(),
        PrivateChanges = new StateChangeSet(),
        Receipts = [],
        GasUsed = 0,
        Bloom = new Bloom(),
    };

    private Block NextBlock() => ChainStore.GetBlock(_stores.KeyValues, Head.Number + 1)
        ?? throw new ChainCorruptException($"block {Head.Number + 1} is below the head and not stored");
}
