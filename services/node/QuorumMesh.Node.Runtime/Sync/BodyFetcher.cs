using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>Blocks in the order of the chain, and what they hold of the gate.</summary>
/// <param name="MissingFrom">The first block that no peer has a body for: nothing can follow. Null when all are there.</param>
internal sealed record FetchedBlocks(int Turn, IReadOnlyList<Block> Blocks, long Bytes, ulong? MissingFrom);

/// <summary>
/// Fetches the bodies to headers from whichever peers have them, several at once, and recovers the senders on the way. A body is known by
/// the root in its header, so it does not matter who sends it.
/// </summary>
/// <param name="isAt">Whether a peer says itself that it has this block.</param>
internal sealed class BodyFetcher(
    IPeerNetwork peers, PeerFaults faults, PeerPace pace, SyncGate gate, NodeStores stores, Func<string, ulong, bool> isAt,
    TimeProvider clock)
{
    private const int PerPeer = 2;
    private const int Rounds = 6;
    private const int TransactionOverhead = 512;

    /// <summary>What a body is worth beside its bytes: on a long line small ones take no less time.</summary>
    private const int BodyWorth = 16 * 1024;

    /// <summary>How long nothing may come of an answer that nobody else could give.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _busy = new(StringComparer.Ordinal);

    /// <param name="turn">Place of the blocks in the order of import.</param>
    public async Task<FetchedBlocks> FetchAsync(int turn, IReadOnlyList<BlockHeader> headers, CancellationToken cancellation)
    {
        var bodies = new IReadOnlyList<Transaction>?[headers.Count];
        var missing = new List<int>();
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers[i].TransactionsRoot == Hash256.EmptyTrie) bodies[i] = [];
            else missing.Add(i);
        }
        var (without, round, bytes) = (new HashSet<string>(StringComparer.Ordinal), 0, 0L);
        var patience = new Dictionary<string, Patience>(StringComparer.Ordinal);
        while (missing.Count > 0)
        {
            await gate.EnterAsync(turn, cancellation);
            if (Take(without) is not { } peer)
            {
                // All that have them are busy, or none has: look again shortly, from the first one on when all were asked.
                if (without.Count > 0 && !AnyBusy() && ++round == Rounds) break;
                if (!AnyBusy()) without.Clear();
                await Task.Delay(Pause, clock, cancellation);
                continue;
            }
            if (!patience.TryGetValue(peer, out var left)) patience[peer] = left = new Patience(PeerPace.LeastBytesPerSecond);
            var started = clock.GetTimestamp();
            var asked = missing.Take(pace.BodiesOf(peer)).ToList();
            var first = headers[missing[0]].Number;
            var hasOther = HasOther(peer, without, first);
            var got = await FromPeerAsync(
                peer, () => HasOther(peer, without, first) ? left : null, headers, asked, bodies, cancellation);
            var took = clock.GetElapsedTime(started);
            missing.RemoveAll(i => bodies[i] is not null);
            var limit = hasOther ? Patience.Most : Timeout;
            // One that refuses at once says nothing of its line.
            if (got > 0 || took > limit / 2) pace.Answered(peer, asked.Count, took, limit);
            if (got == 0) without.Add(peer);
            gate.Hold(got);
            bytes += got;
        }
        // What is there up to a gap is imported all the same: if the headers are forged, that shows it.
        var blocks = headers.TakeWhile((_, i) => bodies[i] is not null).Select((header, i) => new Block(header, bodies[i]!)).ToList();
        foreach (var block in blocks) _ = stores.Senders.RecoverAll(block.Transactions, stores.Rules.SenderRulesAt(block.Number));
        return new FetchedBlocks(turn, blocks, bytes, missing.Count == 0 ? null : headers[missing[0]].Number);
    }

    /// <param name="patience">Left with the peer while others could answer; null when there are none.</param>
    /// <returns>Bytes that were taken; 0 when the peer gave nothing of use.</returns>
    private async Task<long> FromPeerAsync(
        string peer, Func<Patience?> patience, IReadOnlyList<BlockHeader> headers, List<int> asked,
        IReadOnlyList<Transaction>?[] bodies, CancellationToken cancellation)
    {
        using var limit = new AnswerLimit(() => peers.ReceivedFrom(peer), Timeout, patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            var raw = await peers.RequestBodiesAsync(peer, [.. asked.Select(i => headers[i].Hash)], either.Token);
            var got = Fill(raw, headers, asked, bodies);
            limit.End(got + (raw.Count * (long)BodyWorth));
            return got;
        }
        catch (FormatException e)
        {
            faults.Blame(peer, PeerFault.Lie, $"it sent bodies that fit no header asked for: {e.Message}");
        }
        catch (Exception e) when (e is PeerRequestException or TimeoutException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            if (limit.IsSlow) pace.MarkSlow(peer);
            else faults.Blame(peer, PeerFault.Late, "it does not answer requests for bodies in time");
        }
        finally
        {
            Release(peer);
        }
        return 0;
    }

    /// <summary>Bodies come in the order asked for, some left out: each belongs to the next header that has its root.</summary>
    /// <exception cref="FormatException">One belongs to none.</exception>
    private static long Fill(
        IReadOnlyList<byte[]> raw, IReadOnlyList<BlockHeader> headers, List<int> asked, IReadOnlyList<Transaction>?[] bodies)
    {
        var (at, bytes) = (0, 0L);
        foreach (var item in raw)
        {
            var transactions = Block.DecodeBody(item);
            var root = BlockValidator.TransactionsRoot(transactions);
            while (at < asked.Count && headers[asked[at]].TransactionsRoot != root) at++;
            if (at == asked.Count) throw new FormatException($"a body with root {root} was not asked for");
            bodies[asked[at++]] = transactions;
            bytes += item.Length + (transactions.Count * TransactionOverhead);
        }
        return bytes;
    }

    private bool HasOther(string peer, HashSet<string> without, ulong number) =>
        peers.Peers.Any(p => p.NodeId != peer && !without.Contains(p.NodeId) && !pace.IsSlow(p.NodeId) && isAt(p.NodeId, number));

    /// <summary>The peer with the least to do, of those that did the least wrong. One that is slow only when there is no other.</summary>
    private string? Take(HashSet<string> without)
    {
        var candidates = peers.Peers.Select(p => p.NodeId).Where(id => !without.Contains(id)).ToList();
        if (candidates.Exists(id => !pace.IsSlow(id))) candidates.RemoveAll(pace.IsSlow);
        lock (_lock)
        {
            var free = candidates.Where(id => _busy.GetValueOrDefault(id) < PerPeer).ToList();
            if (free.Count == 0) return null;
            var best = free.MinBy(id => (_busy.GetValueOrDefault(id), faults.Of(id)))!;
            _busy[best] = _busy.GetValueOrDefault(best) + 1;
            return best;
        }
    }

    private void Release(string peer)
    {
        lock (_lock)
            if (--_busy[peer] == 0) _busy.Remove(peer);
    }

    private bool AnyBusy()
    {
        lock (_lock) return _busy.Count > 0;
    }
}
