using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

// What a new head, the minter's findings and time do to the pool.
public sealed partial class TransactionPool
{
    private const string ExpiredText = "not executable within the lifetime";

    /// <summary>
    /// Moves to a new head: mined transactions leave, and their senders are checked again; those above the gas limit are dropped.
    /// Costs time for the mined and the dropped ones only.
    /// </summary>
    /// <param name="mined">Of every block since the last head.</param>
    /// <param name="moved">
    /// Other accounts whose nonces have changed: those of authorities (EIP-7702), and of delegated accounts that created
    /// contracts.
    /// </param>
    public IReadOnlyList<PoolEvent> SetHead(PoolHead head, IEnumerable<RecoveredTransaction> mined, IEnumerable<Address>? moved = null)
    {
        _head = head;
        var events = new List<PoolEvent>();
        var minedHashes = new HashSet<Hash256>();
        var senders = new HashSet<Address>(moved ?? []);
        foreach (var transaction in mined)
        {
            minedHashes.Add(transaction.Tx.Hash);
            senders.Add(transaction.Sender);
        }
        foreach (var address in senders)
        {
            if (_senders.TryGetValue(address, out var sender))
                Recheck(sender, minedHashes, events);
        }
        DropAboveGasLimit(events);
        return events;
    }

    /// <summary>Checks every sender against the head again: after a rewind, or when blocks were passed over.</summary>
    internal IReadOnlyList<PoolEvent> RecheckAll(PoolHead head)
    {
        _head = head;
        var events = new List<PoolEvent>();
        foreach (var sender in _senders.Values.ToList())
            Recheck(sender, [], events);
        DropAboveGasLimit(events);
        return events;
    }

    /// <summary>Takes a transaction out that the minter found to be invalid; what follows it waits behind the gap.</summary>
    public IReadOnlyList<PoolEvent> Remove(in Hash256 hash, string reason)
    {
        var events = new List<PoolEvent>();
        if (_all.TryGetValue(hash, out var entry))
            Remove(entry, reason, events);
        return events;
    }

    private void Remove(PoolEntry entry, string reason, List<PoolEvent> events)
    {
        var sender = _senders[entry.Transaction.Sender];
        if (sender.FindPending(entry.Nonce) is not null)
        {
            var tail = CutPending(sender, (int)(entry.Nonce - sender.StateNonce));
            DropEntry(tail[0], reason, events);
            Demote(sender, tail.Skip(1), events);
        }
        else
        {
            DropEntry(RemoveQueued(sender, entry.Nonce), reason, events);
        }
        Sync(sender);
    }

    /// <summary>Drops gapped transactions of senders that were silent for the lifetime; local ones stay. Call it now and then.</summary>
    public IReadOnlyList<PoolEvent> Expire(DateTimeOffset now)
    {
        var events = new List<PoolEvent>();
        foreach (var sender in _withQueue.Where(s => !s.IsLocal && now - s.LastActivity > _options.Lifetime).ToList())
        {
            foreach (var nonce in sender.Queued.Keys.ToList())
                DropEntry(RemoveQueued(sender, nonce), ExpiredText, events);
            Sync(sender);
        }
        return events;
    }

    private void Recheck(SenderQueue sender, HashSet<Hash256> mined, List<PoolEvent> events)
    {
        var (nonce, balance) = _head.State(sender.Address);
        if (nonce < sender.StateNonce)
            Demote(sender, CutPending(sender, 0), events);
        while (sender.PendingCount > 0 && sender.StateNonce < nonce)
            Leave(RemoveFirstPending(sender), mined, events);
        if (sender.PendingCount == 0)
            sender.MoveTo(nonce);
        while (sender.Queued.Count > 0 && sender.Queued.Keys.First() is var first && first < nonce)
            Leave(RemoveQueued(sender, first), mined, events);
        DropUnpayableFirst(sender, balance, events);
        Promote(sender, events);
        Sync(sender);
    }

    private void Leave(PoolEntry entry, HashSet<Hash256> mined, List<PoolEvent> events)
    {
        if (!mined.Contains(entry.Transaction.Tx.Hash))
        {
            DropEntry(entry, PoolErrors.NonceTooLow, events);
            return;
        }
        Forget(entry);
        events.Add(new PoolEvent(PoolEventKind.Mined, entry.Transaction));
    }

    /// <summary>The first one only: the minter reports the others when their turn comes, and a long list stays cheap.</summary>
    private void DropUnpayableFirst(SenderQueue sender, in UInt256 balance, List<PoolEvent> events)
    {
        if (sender.PendingCount == 0 || CanPay(sender.PendingAt(0).Transaction.Tx, balance))
            return;
        var tail = CutPending(sender, 0);
        DropEntry(tail[0], PoolErrors.InsufficientFunds, events);
        Demote(sender, tail.Skip(1), events);
    }

    private bool CanPay(Transaction tx, in UInt256 balance) =>
        TransactionChecks.TryCost(tx, _config.AreFeeCapsFree(_head.Number + 1, _profile), out var cost) && cost <= balance;

    /// <summary>
    /// The limit falls from block to block until it is in its range, and no block can take these any more (2.5:core/tx_pool.go
    /// promoteExecutables, demoteUnexecutables).
    /// </summary>
    private void DropAboveGasLimit(List<PoolEvent> events)
    {
        while (_byGasLimit.TryTakeAbove(_head.GasLimit, out var hash))
            if (_all.TryGetValue(hash, out var entry))
                Remove(entry, PoolErrors.GasLimit, events);
    }

    private void Demote(SenderQueue sender, IEnumerable<PoolEntry> entries, List<PoolEvent> events)
    {
        foreach (var entry in entries)
        {
            if (!sender.IsLocal && (sender.Queued.Count >= _options.AccountQueue || _remoteQueued >= _options.GlobalQueue))
            {
                DropEntry(entry, PoolErrors.Underpriced, events);
                continue;
            }
            Enqueue(sender, entry);
            events.Add(new PoolEvent(PoolEventKind.Demoted, entry.Transaction));
        }
    }
}
