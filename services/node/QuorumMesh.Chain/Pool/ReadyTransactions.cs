using QuorumMesh.Chain.Execution;

namespace QuorumMesh.Chain.Pool;

/// <summary>
/// Executable transactions for one block: the sender whose first transaction came first goes first. Costs only what is taken, whatever
/// the pool holds. Not valid any more once the pool changes.
/// </summary>
internal sealed class ReadyTransactions : ITransactionSource
{
    private readonly IEnumerator<SenderQueue> _senders;
    private readonly PriorityQueue<(SenderQueue Sender, int Index), ulong> _opened = new();
    private readonly Func<RecoveredTransaction, bool>? _skip;
    private bool _hasSender;

    public ReadyTransactions(IEnumerable<SenderQueue> byArrival, Func<RecoveredTransaction, bool>? skip)
    {
        _senders = byArrival.GetEnumerator();
        _hasSender = _senders.MoveNext();
        _skip = skip;
    }

    public RecoveredTransaction? Peek()
    {
        while (TryFront(out var front))
        {
            var transaction = front.Transaction;
            if (_skip is null || !_skip(transaction))
                return transaction;
            Shift();
        }
        return null;
    }

    public void Shift()
    {
        var (sender, index) = TakeFront();
        if (index + 1 < sender.PendingCount)
            _opened.Enqueue((sender, index + 1), sender.PendingAt(index + 1).Sequence);
    }

    public void Pop() => TakeFront();

    private bool IsNewSenderFirst() =>
        _hasSender && (!_opened.TryPeek(out _, out var opened) || _senders.Current.PendingAt(0).Sequence < opened);

    private bool TryFront(out PoolEntry front)
    {
        if (IsNewSenderFirst())
        {
            front = _senders.Current.PendingAt(0);
            return true;
        }
        var found = _opened.TryPeek(out var next, out _);
        front = found ? next.Sender.PendingAt(next.Index) : null!;
        return found;
    }

    private (SenderQueue Sender, int Index) TakeFront()
    {
        if (!IsNewSenderFirst())
            return _opened.Dequeue();
        var sender = _senders.Current;
        _hasSender = _senders.MoveNext();
        return (sender, 0);
    }
}
