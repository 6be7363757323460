using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>One sender's transactions: those that can run one after the other from the state's nonce, and those behind a gap.</summary>
internal sealed class SenderQueue(Address address, ulong stateNonce)
{
    private readonly List<PoolEntry> _pending = [];
    private int _start;

    public Address Address { get; } = address;

    /// <summary>Nonce of the first pending transaction, present or not.</summary>
    public ulong StateNonce { get; private set; } = stateNonce;

    /// <summary>Exempt from the limits: it has submitted through this node.</summary>
    public bool IsLocal { get; set; }

    public DateTimeOffset LastActivity { get; set; }

    public SortedDictionary<ulong, PoolEntry> Queued { get; } = [];

    public int PendingCount => _pending.Count - _start;

    public ulong NextNonce => StateNonce + (ulong)PendingCount;

    public bool IsEmpty => PendingCount == 0 && Queued.Count == 0;

    /// <summary>This sender's key in the pool's arrival index.</summary>
    public ulong? ReadyKey { get; set; }

    /// <summary>This sender's key in the pool's index of senders above their guaranteed slots.</summary>
    public int? OverKey { get; set; }

    public PoolEntry PendingAt(int index) => _pending[_start + index];

    public PoolEntry? FindPending(ulong nonce) => nonce >= StateNonce && nonce < NextNonce ? PendingAt((int)(nonce - StateNonce)) : null;

    public IEnumerable<PoolEntry> Pending()
    {
        for (var i = _start; i < _pending.Count; i++)
            yield return _pending[i];
    }

    public void Append(PoolEntry entry) => _pending.Add(entry);

    public void ReplacePending(PoolEntry entry) => _pending[_start + (int)(entry.Nonce - StateNonce)] = entry;

    public PoolEntry RemoveLast()
    {
        var last = _pending[^1];
        _pending.RemoveAt(_pending.Count - 1);
        return last;
    }

    public PoolEntry RemoveFirst()
    {
        var first = _pending[_start];
        _pending[_start++] = null!;
        StateNonce++;
        // Shrinks at most once per as many removals, so that each costs constant time on average.
        if (_start > 64 && _start > _pending.Count / 2)
        {
            _pending.RemoveRange(0, _start);
            _start = 0;
        }
        return first;
    }

    /// <summary>Takes the pending ones from an index on away.</summary>
    public List<PoolEntry> CutFrom(int index)
    {
        var tail = _pending.GetRange(_start + index, PendingCount - index);
        _pending.RemoveRange(_start + index, PendingCount - index);
        return tail;
    }

    /// <summary>Only when nothing is pending.</summary>
    public void MoveTo(ulong stateNonce) => StateNonce = stateNonce;
}
