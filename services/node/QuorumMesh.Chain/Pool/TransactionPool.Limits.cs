namespace QuorumMesh.Chain.Pool;

// Book-keeping and room: every change of a sender's lists goes through here.
public sealed partial class TransactionPool
{
    /// <summary>
    /// Room for one more executable transaction. Within its guaranteed slots a sender gets in at the cost of the greediest one;
    /// above them only when another is greedier still.
    /// </summary>
    private bool MakePendingRoom(SenderQueue sender, List<PoolEvent> events)
    {
        if (sender.IsLocal || _remotePending < _options.GlobalSlots)
            return true;
        if (_over.Count == 0)
            return sender.PendingCount < _options.AccountSlots && _remotePending < _options.GlobalSlots + _options.GlobalQueue;
        var (most, greediest) = _over.Max;
        if (sender.PendingCount >= _options.AccountSlots && most <= sender.PendingCount + 1)
            return false;
        var victim = _senders[greediest];
        DropEntry(RemoveLastPending(victim), PoolErrors.Underpriced, events);
        Sync(victim);
        return true;
    }

    private bool MakeQueueRoom(SenderQueue sender, ulong nonce, List<PoolEvent> events)
    {
        if (sender.IsLocal)
            return true;
        if (sender.Queued.Count >= _options.AccountQueue)
        {
            var last = sender.Queued.Keys.Last();
            if (nonce > last)
                return false;
            DropEntry(RemoveQueued(sender, last), PoolErrors.Underpriced, events);
            return true;
        }
        return _remoteQueued < _options.GlobalQueue;
    }

    /// <summary>Moves gapped transactions up whose gap has closed.</summary>
    private void Promote(SenderQueue sender, List<PoolEvent> events)
    {
        while (sender.Queued.TryGetValue(sender.NextNonce, out var entry) && MakePendingRoom(sender, events))
        {
            RemoveQueued(sender, entry.Nonce);
            AppendPending(sender, entry, events);
        }
    }

    private void AppendPending(SenderQueue sender, PoolEntry entry, List<PoolEvent> events)
    {
        sender.Append(entry);
        _pendingCount++;
        if (!sender.IsLocal)
            _remotePending++;
        Sync(sender);
        events.Add(new PoolEvent(PoolEventKind.Promoted, entry.Transaction));
    }

    private PoolEntry RemoveFirstPending(SenderQueue sender)
    {
        CountPendingRemoved(sender, 1);
        return sender.RemoveFirst();
    }

    private PoolEntry RemoveLastPending(SenderQueue sender)
    {
        CountPendingRemoved(sender, 1);
        return sender.RemoveLast();
    }

    private List<PoolEntry> CutPending(SenderQueue sender, int index)
    {
        var tail = sender.CutFrom(index);
        CountPendingRemoved(sender, tail.Count);
        return tail;
    }

    private void CountPendingRemoved(SenderQueue sender, int count)
    {
        _pendingCount -= count;
        if (!sender.IsLocal)
            _remotePending -= count;
    }

    private void Enqueue(SenderQueue sender, PoolEntry entry)
    {
        sender.Queued.Add(entry.Nonce, entry);
        if (!sender.IsLocal)
            _remoteQueued++;
        _withQueue.Add(sender);
    }

    private PoolEntry RemoveQueued(SenderQueue sender, ulong nonce)
    {
        sender.Queued.Remove(nonce, out var entry);
        if (!sender.IsLocal)
            _remoteQueued--;
        if (sender.Queued.Count == 0)
            _withQueue.Remove(sender);
        return entry!;
    }

    private void Remember(PoolEntry entry)
    {
        _all.Add(entry.Transaction.Tx.Hash, entry);
        _bytes += entry.Transaction.Tx.Size;
        _byGasLimit.Add(entry.Transaction.Tx);
    }

    private void Forget(PoolEntry entry)
    {
        _all.Remove(entry.Transaction.Tx.Hash);
        _bytes -= entry.Transaction.Tx.Size;
        _byGasLimit.Trim(_all);
        if (entry.LocalNode is { } node)
            _locals.Remove(node);
        entry.LocalNode = null;
    }

    private void DropEntry(PoolEntry entry, string reason, List<PoolEvent> events)
    {
        Forget(entry);
        events.Add(new PoolEvent(PoolEventKind.Dropped, entry.Transaction, reason));
    }

    /// <summary>Brings the indexes over senders in line with the sender's lists.</summary>
    private void Sync(SenderQueue sender)
    {
        ulong? ready = sender.PendingCount > 0 ? sender.PendingAt(0).Sequence : null;
        if (ready != sender.ReadyKey)
        {
            if (sender.ReadyKey is { } old)
                _byArrival.Remove(old);
            if (ready is { } key)
                _byArrival.Add(key, sender);
            sender.ReadyKey = ready;
        }
        int? over = !sender.IsLocal && sender.PendingCount > _options.AccountSlots ? sender.PendingCount : null;
        if (over != sender.OverKey)
        {
            if (sender.OverKey is { } old)
                _over.Remove((old, sender.Address));
            if (over is { } key)
                _over.Add((key, sender.Address));
            sender.OverKey = over;
        }
        if (sender.IsEmpty)
            _senders.Remove(sender.Address);
    }
}
