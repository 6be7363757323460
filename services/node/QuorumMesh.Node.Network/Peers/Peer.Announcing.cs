using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

internal sealed partial class Peer
{
    /// <summary>
    /// Hashes that wait to be announced; beyond, the oldest go. This node does not tell of them again: the peer hears of them from others,
    /// or in a block. They do not count as known to it.
    /// </summary>
    private const int MaxAnnouncements = 65_536;

    private readonly Queue<Hash256> _announcements = [];
    private readonly ITimer _announceTimer;
    private volatile bool _isAnnouncementDue;

    /// <summary>Whether both sides are ours: the other one asks at once for what is announced to it.</summary>
    public bool TakesAnnouncements { get; }

    /// <summary>
    /// Queues the hash of a transaction. It waits a moment, in which the peer mostly gets the transaction from where this node has it
    /// from, or tells of it itself: then nothing goes.
    /// </summary>
    public void EnqueueAnnouncement(in Hash256 hash)
    {
        if (_known.Contains(hash)) return;
        lock (_announcements)
        {
            if (_announcements.Count == MaxAnnouncements) _announcements.Dequeue();
            _announcements.Enqueue(hash);
            if (_announcements.Count == 1) _announceTimer.Change(_options.AnnounceAfter, Timeout.InfiniteTimeSpan);
        }
    }

    private void AnnouncementDue()
    {
        _isAnnouncementDue = true;
        Wake();
    }

    private void WriteAnnouncements()
    {
        if (!_isAnnouncementDue) return;
        _isAnnouncementDue = false;
        Hash256[] waiting;
        lock (_announcements)
        {
            waiting = [.. _announcements];
            _announcements.Clear();
        }
        foreach (var some in waiting.Where(hash => _known.Add(hash)).Chunk(EthLimits.AnnouncedBatchCount))
        {
            _connection.Write(_eth.Offset + EthCode.NewPooledTransactionHashes, EthMessages.EncodeHashes(some));
            NetworkMetrics.TransactionsAnnounced.Add(some.Length);
        }
    }

    private Task AnswerAnnouncedAsync(ulong? id, ReadOnlyMemory<byte> payload)
    {
        var hashes = EthMessages.DecodeHashes(payload.Span, EthLimits.PooledTransactionsPerRequest);
        var found = _recent.Find(hashes, EthLimits.ReplyBytes);
        NetworkMetrics.TransactionsSent.Add(found.Count);
        return AnswerAsync(EthCode.PooledTransactions, id, EthMessages.EncodeTransactions(found));
    }
}
