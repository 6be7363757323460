using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Brings the private head after the public one: asks for payloads ahead, runs blocks when the answers are there, asks again when
/// the manager was away or has lost a payload, and goes back when a payload arrives that was taken for foreign. Owned by the
/// writer loop.
/// </summary>
internal sealed class PrivateSideDriver(
    PrivateSide side, PayloadCache payloads, NodeStores stores, ManagerRecord manager, Func<long>? elapsed = null)
{
    private const long RetryUnavailableMs = 1_000;
    private const long RetryMissingMs = 10_000;
    private const long RequestTimeoutMs = 30_000;
    private const int MaxBlocksPerStep = 64;
    private const long GasPerStep = 50_000_000;
    private const long TimePerStepMs = 200;
    private const int MaxOutstanding = 65_536;

    /// <summary>Asked and not answered, or to be asked again.</summary>
    private readonly Dictionary<PayloadHash, Asked> _asked = [];
    private readonly HashSet<PayloadHash> _wanted = [];

    /// <summary>Lately arrived: an answer "not a party" that was under way when the payload came is out of date.</summary>
    private readonly RecentSet<PayloadHash> _arrived = new(4_096);

    /// <summary>Of markers in the pool: each brings the payload of the transaction in it.</summary>
    private readonly RecentSet<PayloadHash> _markers = new(4_096);
    private long _watched;
    private long? _row = manager.Row?.Sequence;
    private int _turns = manager.Turns;
    private int _stream;
    private long _usualSize = 4_096;
    private (PayloadHash Vote, Asked Asked) _vote;
    private PrivateHeadStatus _status = new(side.Head.Number, null, null);

    /// <summary>May be read from any thread.</summary>
    public PrivateHeadStatus Status => Volatile.Read(ref _status);

    /// <summary>When the manager must be asked again even if nothing else happens.</summary>
    public long? WakeAt { get; private set; }

    /// <summary>Where the Watch stream is to be resumed.</summary>
    public static long LoadWatched(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, StoredNames.ManagerWatch) is { Length: 8 } value
            ? System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(value.Span) : 0;

    /// <summary>A private transaction came into the pool: its payload will be needed.</summary>
    public void Want(Transaction transaction)
    {
        if (stores.Rules.PayloadOf(transaction, stores.Public.Head.Block + 1) is not { } hash) return;
        if (!transaction.IsPrivate) _markers.Add(hash);
        Want(hash);
    }

    public void Answered(IReadOnlyList<PayloadAnswer> answers, NodeTime now)
    {
        foreach (var answer in answers)
        {
            var isAnswered = answer.Database is not null || answer.Availability != PayloadAvailability.Unavailable;
            // A database that was replaced or set back calls us strangers to what it lost: believed, the private state would diverge.
            if (isAnswered && !manager.Takes(answer.Database))
            {
                _asked[answer.Hash] = new Asked(now.Milliseconds + RetryMissingMs, manager.Refusal);
                continue;
            }
            if (answer.IsSettled)
            {
                _asked.Remove(answer.Hash);
                if (answer.Availability == PayloadAvailability.NotAParty && _arrived.Remove(answer.Hash)) continue;
                payloads.Add(answer);
                if (answer.Availability == PayloadAvailability.NotAParty) continue;
                _usualSize = Math.Max(PayloadCache.Cost(answer), _usualSize - (_usualSize / 16));
                if (_markers.Remove(answer.Hash) && PrivacyMarker.InnerPayloadOf(answer.Payload!) is { } inner) Want(inner);
                // A manager without a Watch stream tells of a late payload only when asked about it again.
                side.RewindBefore(answer.Hash);
                continue;
            }
            var missing = answer.Availability == PayloadAvailability.Missing;
            var reason = missing
                ? "the transaction manager is a party to a payload that it no longer has; recover it from the other parties (resend)"
                : $"the transaction manager is not available ({answer.Reason})";
            _asked[answer.Hash] = new Asked(now.Milliseconds + (missing ? RetryMissingMs : RetryUnavailableMs), reason);
        }
    }

    /// <summary>Whose a vote is; an answer that was on its way when the manager was found to be another counts for nothing.</summary>
    public void Answered(VoteAnswer answer, NodeTime now)
    {
        if (_vote.Vote != answer.Hash || manager.Refusal is not null) return;
        if (answer.IsSettled) side.Votes.Add(answer);
        else _vote.Asked = new Asked(
            now.Milliseconds + RetryUnavailableMs, $"the transaction manager cannot tell whose vote it is ({answer.Reason})");
    }

    /// <summary>The manager has a payload now that it may have denied before.</summary>
    public void Arrived(NodeInput.PayloadArrived arrived)
    {
        if (!manager.Takes(arrived.Database)) return;
        var hash = arrived.Hash;
        if (payloads.Find(hash) is { Availability: PayloadAvailability.NotAParty }) payloads.Remove(hash);
        _asked.Remove(hash);
        _arrived.Add(hash);
        side.RewindBefore(hash);
        // After a turn that the stream was not opened anew for yet, it is of the stream before.
        if (arrived.Stream != _stream || _turns != manager.Turns) return;
        _watched = Math.Max(_watched, arrived.Sequence);
        manager.Note(arrived.Sequence, hash);
    }

    /// <summary>See <see cref="ManagerRecord.Accept"/>. What the other database told of is asked for again, from its beginning.</summary>
    public void AcceptManager()
    {
        manager.Accept(batch => PutWatched(batch, 0));
        _watched = 0;
    }

    /// <summary>See <see cref="PrivateSide.RewindTo"/>. The manager is asked again for everything behind it.</summary>
    public bool Rewind(ulong block)
    {
        if (!side.RewindTo(block)) return false;
        Forget();
        return true;
    }

    public void Advance(NodeTime now, NodeEffects effects)
    {
        if (_turns != manager.Turns) Turn(effects);
        if (_row != manager.Row?.Sequence) effects.ManagerRow = (_row = manager.Row?.Sequence) ?? 0;
        foreach (var wanted in _wanted)
            if (manager.Refusal is null) Ask(wanted, now, effects);
        _wanted.Clear();
        payloads.Keep(Window());
        var gas = 0L;
        // A slice of a backlog at a time: votes and heartbeats wait for the same loop.
        var isOver = StepEnd();
        for (var blocks = 0; blocks < MaxBlocksPerStep && gas < GasPerStep && side.Advance(ref gas, GasPerStep, isOver); blocks++)
            if (isOver?.Invoke() == true) break;
        AskForNext(now, effects);
        AskForVote(now, effects);
        var awaited = side.AwaitedPayload;
        // More is ready to run, or never will be.
        if (awaited is null && side is { IsBehind: true, Unsupported: null }) WakeAt = now.Milliseconds;
        var reason = side.AwaitedVote is not null ? _vote.Asked.Reason
            : awaited is { } hash && _asked.TryGetValue(hash, out var asked) ? asked.Reason : null;
        var status = new PrivateHeadStatus(side.Head.Number, awaited,
            manager.Refusal is { } refusal && awaited is not null ? refusal : side.Unsupported ?? reason)
        { Stopped = manager.Refusal ?? side.Unsupported };
        if (status != _status) Volatile.Write(ref _status, status);
        // Not while the way back is unfinished: told again after a restart, the payload finishes it.
        if (_watched > 0 && !side.IsRewinding) SaveWatched();
    }

    /// <summary>A private transaction's gas is its sender's word alone: a step looks at the time too, between two of them.</summary>
    private Func<bool>? StepEnd()
    {
        if (elapsed is not { } now) return null;
        var end = now() + TimePerStepMs;
        return () => now() >= end;
    }

    /// <summary>The manager is taken at its word no longer, or again: nothing that it said before the turn is used after it.</summary>
    private void Turn(NodeEffects effects)
    {
        _turns = manager.Turns;
        if (manager.Refusal is not null) Forget();
        _asked.Clear();
        if (manager.Refusal is null) effects.WatchFrom = (LoadWatched(stores.KeyValues), ++_stream);
    }

    private void Forget()
    {
        payloads.Clear();
        side.Votes.Clear();
        _vote = default;
    }

    private void Want(in PayloadHash hash)
    {
        if (payloads.Find(hash) is null) _wanted.Add(hash);
    }

    /// <summary>
    /// The payloads ahead of the private head that fit into a part of the cache: those that are not here yet count as the large
    /// ones among the last.
    /// </summary>
    private List<PayloadHash> Window()
    {
        var window = new List<PayloadHash>();
        var bytes = 0L;
        foreach (var hash in side.UpcomingPayloads())
        {
            // One is enough to hear whether the manager has its database back.
            if (bytes >= payloads.Capacity / 2 || (manager.Refusal is not null && window.Count > 0)) break;
            window.Add(hash);
            bytes += payloads.Find(hash) is { } here ? PayloadCache.Cost(here) : _usualSize;
        }
        return window;
    }

    private void AskForNext(NodeTime now, NodeEffects effects)
    {
        WakeAt = null;
        var window = Window();
        payloads.Keep(window);
        foreach (var hash in window)
        {
            if (payloads.Find(hash) is not null) continue;
            if (Ask(hash, now, effects)) effects.FetchFirst.Add(hash);
            WakeAt = Math.Min(WakeAt ?? long.MaxValue, _asked[hash].Again);
        }
    }

    private void AskForVote(NodeTime now, NodeEffects effects)
    {
        if (side.AwaitedVote is not { } vote || manager.Refusal is not null) return;
        if (_vote.Vote != vote || now.Milliseconds >= _vote.Asked.Again)
        {
            _vote = (vote, new Asked(now.Milliseconds + RequestTimeoutMs, _vote.Vote == vote ? _vote.Asked.Reason : null));
            effects.FetchVotes.Add(vote);
        }
        WakeAt = Math.Min(WakeAt ?? long.MaxValue, _vote.Asked.Again);
    }

    private bool Ask(in PayloadHash hash, NodeTime now, NodeEffects effects)
    {
        if (payloads.Find(hash) is not null || (_asked.TryGetValue(hash, out var asked) && now.Milliseconds < asked.Again)) return false;
        // Bounded: what is forgotten here is only asked again.
        if (_asked.Count >= MaxOutstanding) _asked.Clear();
        _asked[hash] = new Asked(now.Milliseconds + RequestTimeoutMs, asked.Reason);
        return effects.FetchPayloads.Add(hash);
    }

    private void SaveWatched()
    {
        var batch = new KeyValueBatch();
        // Behind the moves that it stands for, in this order of writes: an older number only has events told again.
        PutWatched(batch, _watched);
        manager.PutRow(batch);
        manager.Put(batch);
        stores.KeyValues.Write(batch, sync: false);
        _watched = 0;
    }

    private static void PutWatched(KeyValueBatch batch, long sequence)
    {
        Span<byte> value = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(value, sequence);
        ChainStore.PutMeta(batch, StoredNames.ManagerWatch, value);
    }

    /// <param name="Again">When it is asked for the next time.</param>
    /// <param name="Reason">Of the last answer, when that did not settle it.</param>
    private readonly record struct Asked(long Again, string? Reason);
}
