using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Brings the private head after the public one: asks for payloads ahead, runs blocks when the answers are there, asks again when the manager was away or has lost a
/// payload, and goes back when a payload arrives that was taken for foreign. Owned by the writer loop.
/// </summary>
internal sealed class PrivateSideDriver(ChainWriter chain, PayloadCache payloads, NodeStores stores)
{
    private const string WatchName = "private.watch";
    private const long RetryUnavailableMs = 1_000;
    private const long RetryMissingMs = 10_000;
    private const long RequestTimeoutMs = 30_000;
    private const int MaxBlocksPerStep = 64;
    private const long GasPerStep = 50_000_000;
    private const int MaxOutstanding = 65_536;

    /// <summary>Asked and not answered, or to be asked again, by the time of the next try.</summary>
    private readonly Dictionary<PayloadHash, long> _asked = [];
    private readonly HashSet<PayloadHash> _wanted = [];

    /// <summary>Lately arrived: an answer "not a party" that was under way when the payload came is out of date.</summary>
    private readonly RecentSet<PayloadHash> _arrived = new(4_096);
    private long _watched;
    private PrivateHeadStatus _status = new(chain.PrivateHead.Number, null, null);

    /// <summary>May be read from any thread.</summary>
    public PrivateHeadStatus Status => Volatile.Read(ref _status);

    /// <summary>When the manager must be asked again even if nothing else happens.</summary>
    public long? WakeAt { get; private set; }

    /// <summary>Where the Watch stream is to be resumed.</summary>
    public static long LoadWatched(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, WatchName) is { Length: 8 } value ? System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(value.Span) : 0;

    /// <summary>A private transaction came into the pool: its payload will be needed.</summary>
    public void Want(Transaction transaction)
    {
        if (transaction.IsPrivate && transaction.Data.Length == PayloadHash.Size) Want(new PayloadHash(transaction.Data));
    }

    public void Want(Block block)
    {
        foreach (var transaction in block.Transactions) Want(transaction);
    }

    public void Answered(IReadOnlyList<PayloadAnswer> answers, NodeTime now)
    {
        foreach (var answer in answers)
        {
            if (answer.Availability is PayloadAvailability.Here or PayloadAvailability.NotAParty)
            {
                _asked.Remove(answer.Hash);
                if (answer.Availability == PayloadAvailability.NotAParty && _arrived.Remove(answer.Hash)) continue;
                payloads.Add(answer);
                // A manager without a Watch stream tells of a late payload only when asked about it again.
                if (answer.Availability == PayloadAvailability.Here) chain.RewindPrivateBefore(answer.Hash);
                continue;
            }
            var missing = answer.Availability == PayloadAvailability.Missing;
            _asked[answer.Hash] = now.Milliseconds + (missing ? RetryMissingMs : RetryUnavailableMs);
            var reason = missing
                ? "the transaction manager is a party to a payload that it no longer has; recover it from the other parties (resend)"
                : $"the transaction manager is not available ({answer.Reason})";
            if (IsNext(answer.Hash)) Volatile.Write(ref _status, new PrivateHeadStatus(chain.PrivateHead.Number, answer.Hash, reason));
        }
    }

    /// <summary>The manager has a payload now that it may have denied before.</summary>
    public void Arrived(long sequence, in PayloadHash hash)
    {
        if (payloads.Find(hash) is { Availability: PayloadAvailability.NotAParty }) payloads.Remove(hash);
        _asked.Remove(hash);
        _arrived.Add(hash);
        chain.RewindPrivateBefore(hash);
        if (sequence > _watched) _watched = sequence;
    }

    public void Advance(NodeTime now, NodeEffects effects)
    {
        foreach (var hash in _wanted) Ask(hash, now, effects);
        _wanted.Clear();
        var moved = false;
        var gas = 0L;
        for (var blocks = 0; blocks < MaxBlocksPerStep && gas < GasPerStep && chain.AdvancePrivate(ref gas); blocks++) moved = true;
        WakeAt = null;
        var needed = chain.NeededPayloads();
        foreach (var hash in needed)
        {
            Ask(hash, now, effects);
            WakeAt = Math.Min(WakeAt ?? long.MaxValue, _asked[hash]);
        }
        if (needed.Count == 0 && chain.PrivateHead.Number < chain.Head.Number) WakeAt = now.Milliseconds; // more blocks are ready to run
        if (moved || _status.Block != chain.PrivateHead.Number) Volatile.Write(ref _status, new PrivateHeadStatus(chain.PrivateHead.Number, needed.Count > 0 ? needed[0] : null, null));
        // Not while the way back is unfinished: told again after a restart, the payload finishes it.
        if (_watched > 0 && !chain.IsRewinding) SaveWatched();
    }

    private void Want(in PayloadHash hash)
    {
        if (payloads.Find(hash) is null) _wanted.Add(hash);
    }

    private void Ask(in PayloadHash hash, NodeTime now, NodeEffects effects)
    {
        if (payloads.Find(hash) is not null || (_asked.TryGetValue(hash, out var again) && now.Milliseconds < again)) return;
        if (_asked.Count >= MaxOutstanding) _asked.Clear();
        _asked[hash] = now.Milliseconds + RequestTimeoutMs;
        effects.FetchPayloads.Add(hash);
    }

    private bool IsNext(in PayloadHash hash) => chain.NeededPayloads().Contains(hash);

    private void SaveWatched()
    {
        var batch = new KeyValueBatch();
        Span<byte> value = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(value, _watched);
        ChainStore.PutMeta(batch, WatchName, value);
        stores.KeyValues.Write(batch, sync: false);
        _watched = 0;
    }
}
