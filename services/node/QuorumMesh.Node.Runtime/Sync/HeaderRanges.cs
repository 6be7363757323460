using System.Runtime.CompilerServices;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// The headers that a peer has behind our head, in order and linked, some ranges asked for ahead. Whether their seals are right is found
/// when they are imported, one by one: here only their number is bounded.
/// </summary>
/// <param name="patience">With this peer, while others could go on.</param>
/// <param name="othersAhead">Whether another peer that is not known as slow says that it is ahead.</param>
internal sealed class HeaderRanges(
    IPeerNetwork peers, TimeProvider clock, string peer, BlockPointer head, Patience patience, Func<bool> othersAhead) : IDisposable
{
    public const int PerRequest = 192;
    private const int Ahead = 4;

    /// <summary>By what a peer has to give of either to be waited for: its headers may stand behind bodies that it was asked for.</summary>
    private const int BytesPerHeader = PeerPace.LeastBytesPerSecond / PeerPace.LeastHeadersPerSecond;

    private readonly CancellationTokenSource _slow = new();

    /// <summary>How long nothing may come from a peer that was asked; it tells one that stalls from one that is slow.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// What is behind our head at once, at most <see cref="PerRequest"/>; null when the peer does not even have our head's number.
    /// </summary>
    /// <exception cref="ForkedPeerException">The peer has another block where our head is.</exception>
    /// <exception cref="FormatException">What it sent is no chain.</exception>
    /// <exception cref="SlowPeerException">Others may be faster.</exception>
    public async Task<IReadOnlyList<BlockHeader>?> FirstAsync(CancellationToken cancellation)
    {
        var headers = await WaitAsync(RequestAsync(head.Number, PerRequest, cancellation), cancellation);
        if (headers.Count == 0) return null;
        if (headers[0].Hash != head.Hash)
            throw headers[0].Number == head.Number ? new ForkedPeerException(headers[0])
                : new FormatException($"it was asked for block {head.Number} and sent {headers[0].Number}");
        CheckLinks(headers[0], headers.Skip(1));
        return headers.Skip(1).ToList();
    }

    /// <summary>The ranges behind the first, until the peer has no more.</summary>
    /// <exception cref="FormatException">What it sent is no chain.</exception>
    /// <exception cref="SlowPeerException">Others may be faster.</exception>
    public async IAsyncEnumerable<IReadOnlyList<BlockHeader>> FollowingAsync(
        BlockHeader last, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var asked = new Queue<Task<IReadOnlyList<BlockHeader>>>();
        var next = last.Number + 1;
        while (true)
        {
            for (; asked.Count < Ahead; next += PerRequest) asked.Enqueue(RequestAsync(next, PerRequest, cancellation));
            var headers = await WaitAsync(asked.Dequeue(), cancellation);
            if (headers.Count == 0) break;
            CheckLinks(last, headers);
            yield return headers;
            last = headers[^1];
            // A peer may answer with less than asked for; what was asked for behind the gap is asked for again.
            if (headers.Count == PerRequest) continue;
            await GiveUpAsync(asked, cancellation);
            next = last.Number + 1;
        }
        await GiveUpAsync(asked, cancellation);
    }

    public void Dispose() => _slow.Dispose();

    private long Received() => peers.ReceivedFrom(peer);

    private async Task<IReadOnlyList<BlockHeader>> WaitAsync(Task<IReadOnlyList<BlockHeader>> answer, CancellationToken cancellation)
    {
        var (waits, started, got) = (!answer.IsCompleted, clock.GetTimestamp(), 0);
        using var limit = waits ? new AnswerLimit(Received, Timeout, () => othersAhead() ? patience : null, clock, BytesPerHeader) : null;
        // Without others the request has its own limit.
        using var leaving = limit is null ? default : limit.Token.UnsafeRegister(_ => LeaveIf(limit.IsSlow), null);
        try
        {
            var headers = await answer;
            got = headers.Count;
            return headers;
        }
        catch (OperationCanceledException) when (_slow.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new SlowPeerException();
        }
        finally
        {
            if (limit is not null && !limit.End(got)) patience.Count(clock.GetElapsedTime(started), got);
        }
    }

    private void LeaveIf(bool isSlow)
    {
        if (isSlow) _slow.Cancel();
    }

    /// <summary>Waits for answers that are of no use any more, so that those to the next requests are not taken for them.</summary>
    private async Task GiveUpAsync(Queue<Task<IReadOnlyList<BlockHeader>>> asked, CancellationToken cancellation)
    {
        while (asked.TryDequeue(out var late))
        {
            try
            {
                await WaitAsync(late, cancellation);
            }
            catch (Exception e) when (e is PeerRequestException or FormatException or TimeoutException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                // The next request shows it.
            }
        }
    }

    private static void CheckLinks(BlockHeader before, IEnumerable<BlockHeader> headers)
    {
        foreach (var header in headers)
        {
            if (header.Number != before.Number + 1 || header.ParentHash != before.Hash)
                throw new FormatException($"its header {header.Number} does not link to {before.Number}");
            before = header;
        }
    }

    private async Task<IReadOnlyList<BlockHeader>> RequestAsync(ulong from, int count, CancellationToken cancellation)
    {
        using var limit = new AnswerLimit(Received, Timeout, static () => null, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token, _slow.Token);
        var raw = await peers.RequestHeadersAsync(peer, from, count, either.Token);
        if (raw.Count > count) throw new FormatException($"it sent {raw.Count} headers for {count}");
        return [.. raw.Select(item => BlockHeader.Decode(item))];
    }
}

/// <summary>A peer has another block at a height that is decided here. There are no short forks under IBFT and QBFT.</summary>
/// <param name="theirs">Its block.</param>
internal sealed class ForkedPeerException(BlockHeader theirs)
    : Exception($"it has another block {theirs.Number} ({theirs.Hash}) than this node: one of the two is on another chain")
{
    public BlockHeader Theirs => theirs;
}
