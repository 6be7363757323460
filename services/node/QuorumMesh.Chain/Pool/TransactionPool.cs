using System.Globalization;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>
/// Transactions that wait for a block, by GoQuorum's rules. Pure: time and state come in, what happened comes out. Adding and
/// removing cost logarithmic time at most; nothing is scanned per block. Not thread safe.
/// </summary>
public sealed partial class TransactionPool
{
    private readonly ChainConfig _config;
    private readonly CompatibilityProfile _profile;
    private readonly TransactionPoolOptions _options;
    private readonly Dictionary<Hash256, PoolEntry> _all = [];
    private readonly Dictionary<Address, SenderQueue> _senders = [];
    private readonly SortedDictionary<ulong, SenderQueue> _byArrival = [];
    private readonly SortedSet<(int Pending, Address Sender)> _over = [];
    private readonly GasLimitIndex _byGasLimit = new();
    private readonly HashSet<SenderQueue> _withQueue = [];
    private readonly LinkedList<RecoveredTransaction> _locals = [];
    private PoolHead _head;
    private ulong _nextSequence;
    private long _bytes;
    private int _pendingCount;
    private int _remotePending;
    private int _remoteQueued;

    public TransactionPool(ChainConfig config, CompatibilityProfile profile, PoolHead head, TransactionPoolOptions? options = null)
    {
        _config = config;
        _profile = profile;
        _head = head;
        _options = options ?? new TransactionPoolOptions();
    }

    /// <summary>Executable and gapped together.</summary>
    public int Count => _all.Count;

    /// <summary>Executable ones: an unbroken run of nonces from the state's on.</summary>
    public int PendingCount => _pendingCount;

    /// <summary>Those behind a nonce gap.</summary>
    public int QueuedCount => _all.Count - _pendingCount;

    /// <summary>Submitted through this node and not mined yet, oldest first: to be announced again, and kept by the journal.</summary>
    public IEnumerable<RecoveredTransaction> Local => _locals;

    /// <summary>By the transaction's hash.</summary>
    public bool Contains(in Hash256 hash) => _all.ContainsKey(hash);

    /// <summary>Null when it is not in the pool.</summary>
    public RecoveredTransaction? Find(in Hash256 hash) => _all.TryGetValue(hash, out var entry) ? entry.Transaction : null;

    /// <summary>The nonce after the sender's executable transactions.</summary>
    public ulong NextNonce(in Address sender) => _senders.TryGetValue(sender, out var queue) ? queue.NextNonce : _head.State(sender).Nonce;

    /// <summary>Candidates for a block, oldest sender first. Use it before the pool changes again.</summary>
    /// <param name="skip">For those that are in a proposed block already.</param>
    public ITransactionSource Ready(Func<RecoveredTransaction, bool>? skip = null) => new ReadyTransactions(_byArrival.Values, skip);

    /// <param name="senders">Null for all.</param>
    public IEnumerable<SenderContent> Content(IReadOnlySet<Address>? senders = null) =>
        _senders.Values.Where(s => senders is null || senders.Contains(s.Address)).Select(static s => new SenderContent(
            s.Address, [.. s.Pending().Select(static e => e.Transaction)], [.. s.Queued.Values.Select(static e => e.Transaction)]));

    /// <param name="isLocal">Submitted through this node: its sender is exempt from the limits, and it is kept until mined.</param>
    public PoolAddResult Add(RecoveredTransaction transaction, bool isLocal, DateTimeOffset now)
    {
        if (_all.TryGetValue(transaction.Tx.Hash, out var known))
        {
            if (isLocal)
                MakeLocal(known);
            return new PoolAddResult(
                string.Format(CultureInfo.InvariantCulture, _profile.KnownTransactionText, transaction.Tx.Hash.ToString()[2..]), []);
        }
        if (PoolRules.Check(transaction, _head, _config, _profile) is { } error)
            return new PoolAddResult(error, []);
        if (_all.Count >= _options.MaxTransactions || _bytes + transaction.Tx.Size > _options.MaxBytes)
            return new PoolAddResult(PoolErrors.Full, []);

        var events = new List<PoolEvent>();
        var sender = GetOrAddSender(transaction.Sender);
        if (isLocal && !sender.IsLocal)
            ExemptSender(sender);
        var entry = new PoolEntry(transaction, _nextSequence++);
        var refusal = Place(sender, entry, now, events);
        if (refusal is null && isLocal)
            MakeLocal(entry);
        Sync(sender);
        return new PoolAddResult(refusal, refusal is null ? events : []);
    }

    private string? Place(SenderQueue sender, PoolEntry entry, DateTimeOffset now, List<PoolEvent> events)
    {
        if (sender.FindPending(entry.Nonce) is { } pending)
            return Replace(sender, pending, entry, events);
        if (sender.Queued.TryGetValue(entry.Nonce, out var queued))
            return Replace(sender, queued, entry, events);
        var executable = entry.Nonce == sender.NextNonce;
        if (executable ? !MakePendingRoom(sender, events) : !MakeQueueRoom(sender, entry.Nonce, events))
            return PoolErrors.Underpriced;

        sender.LastActivity = now;
        Remember(entry);
        events.Add(new PoolEvent(PoolEventKind.Added, entry.Transaction));
        if (!executable)
        {
            Enqueue(sender, entry);
            return null;
        }
        AppendPending(sender, entry, events);
        Promote(sender, events);
        return null;
    }

    private string? Replace(SenderQueue sender, PoolEntry old, PoolEntry entry, List<PoolEvent> events)
    {
        if (!PoolRules.IsReplacement(old.Transaction.Tx, entry.Transaction.Tx, _options.PriceBump))
            return PoolErrors.ReplacementUnderpriced;
        Forget(old);
        Remember(entry);
        events.Add(new PoolEvent(PoolEventKind.Replaced, old.Transaction, $"replaced by {entry.Transaction.Tx.Hash}"));
        events.Add(new PoolEvent(PoolEventKind.Added, entry.Transaction));
        if (sender.FindPending(entry.Nonce) is null)
        {
            sender.Queued[entry.Nonce] = entry;
            return null;
        }
        sender.ReplacePending(entry);
        events.Add(new PoolEvent(PoolEventKind.Promoted, entry.Transaction));
        return null;
    }

    private SenderQueue GetOrAddSender(in Address address)
    {
        if (!_senders.TryGetValue(address, out var sender))
        {
            sender = new SenderQueue(address, _head.State(address).Nonce);
            _senders.Add(address, sender);
        }
        return sender;
    }

    private void MakeLocal(PoolEntry entry)
    {
        entry.LocalNode ??= _locals.AddLast(entry.Transaction);
        var sender = _senders[entry.Transaction.Sender];
        if (!sender.IsLocal)
            ExemptSender(sender);
        Sync(sender);
    }

    private void ExemptSender(SenderQueue sender)
    {
        sender.IsLocal = true;
        _remotePending -= sender.PendingCount;
        _remoteQueued -= sender.Queued.Count;
    }
}
