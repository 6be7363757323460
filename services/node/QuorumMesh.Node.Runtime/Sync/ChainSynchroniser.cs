using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Fetches the blocks between our head and a block that Raft has committed, from any peer that has them. The hash of the target is trusted;
/// every header must be linked to by it, every body fit its header, and every block is executed on import. A peer that gives too little in
/// its time is left while another could go on.
/// </summary>
internal sealed class ChainSynchroniser(IPeerNetwork peers, Func<NodeInput, bool> post, TimeProvider clock)
{
    private const int HeadersPerRequest = 192;
    private const int MostWithout = 1_024;

    /// <summary>What a body is worth beside its bytes: on a long line small ones take no less time.</summary>
    private const int BodyWorth = 16 * 1024;

    /// <summary>How long nothing may come of an answer that nobody else could give.</summary>
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly PeerPace _pace = new(clock);

    private readonly Lock _lock = new();

    /// <summary>Peers that did not have the target when they were asked last: nobody is left for them.</summary>
    private readonly RecentSet<string> _without = new(MostWithout);
    private SyncProgress? _progress;

    /// <summary>Null when no catch-up runs.</summary>
    public SyncProgress? Progress => Volatile.Read(ref _progress);

    /// <summary>Runs until the target is imported; tries peer after peer, for ever, until cancelled or the loop refuses a block.</summary>
    public async Task RunAsync(BlockPointer head, Hash256 target, CancellationToken cancellation)
    {
        // Who did not have another target may have this one.
        lock (_lock) _without.Clear();
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                foreach (var peer in peers.Peers.OrderBy(p => _pace.IsSlow(p.NodeId)).ToList())
                {
                    try
                    {
                        if (await FromPeerAsync(peer.NodeId, head, target, cancellation)) return;
                    }
                    catch (Exception e) when (e is PeerRequestException or FormatException or TimeoutException
                        || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
                    {
                        // The next peer may do better; what is imported stays.
                    }
                    catch (NodeHaltedException e)
                    {
                        while (!post(new NodeInput.SyncFailed(target, e.Message))) await Task.Delay(Pause, clock, cancellation);
                        return;
                    }
                    if (Progress is { } progress) head = head with { Number = progress.CurrentBlock };
                }
                await Task.Delay(Pause, clock, cancellation);
            }
        }
        finally
        {
            Volatile.Write(ref _progress, null);
        }
    }

    /// <returns>False when this peer does not have the target.</returns>
    private async Task<bool> FromPeerAsync(string peer, BlockPointer head, Hash256 target, CancellationToken cancellation)
    {
        var (headersLeft, bodiesLeft) = (new Patience(PeerPace.LeastHeadersPerSecond), new Patience(PeerPace.LeastBytesPerSecond));
        if ((await HeadersAsync(peer, headersLeft, ct => peers.RequestHeadersAsync(peer, target, 1, 0, false, ct), cancellation))
            .FirstOrDefault() is not { } last || last.Hash != target)
        {
            lock (_lock) _without.Add(peer);
            return false;
        }
        lock (_lock) _without.Remove(peer);
        if (last.Number <= head.Number)
            throw new NodeHaltedException($"the cluster has block {target} at {last.Number}, this node has another one there: it is on "
                + "another chain; start it again from an empty data directory");
        Volatile.Write(ref _progress, new SyncProgress(head.Number, head.Number, last.Number));
        var path = await PathAsync(peer, headersLeft, head, last, cancellation);
        for (var done = 0; done < path.Count;)
        {
            var expected = path.GetRange(done, Math.Min(HeadersPerRequest, path.Count - done));
            var next = head.Number + 1 + (ulong)done;
            var headers = await HeadersAsync(
                peer, headersLeft, ct => peers.RequestHeadersAsync(peer, next, expected.Count, ct), cancellation);
            if (headers.Count == 0 || headers.Count > expected.Count || headers.Where((header, i) => header.Hash != expected[i]).Any())
                throw new PeerRequestException($"the peer's headers from {next} do not lead to block {target}");
            for (var at = 0; at < headers.Count;)
            {
                var blocks = await BodiesAsync(peer, bodiesLeft, headers.Skip(at).Take(_pace.BodiesOf(peer)).ToList(), cancellation);
                await ImportAsync(blocks, cancellation);
                at += blocks.Count;
                Volatile.Write(ref _progress, new SyncProgress(head.Number, blocks[^1].Number, last.Number));
            }
            done += headers.Count;
        }
        return true;
    }

    /// <summary>
    /// The hashes from the block after our head to the target, walked back from the target: each header is known by the hash that its child
    /// names, so that nothing is taken into the chain on a peer's word.
    /// </summary>
    private async Task<List<Hash256>> PathAsync(
        string peer, Patience left, BlockPointer head, BlockHeader target, CancellationToken cancellation)
    {
        var path = new List<Hash256> { target.Hash };
        for (var first = target; first.Number > head.Number + 1;)
        {
            var (parent, count) = (first.ParentHash, (int)Math.Min(HeadersPerRequest, first.Number - head.Number - 1));
            var headers = await HeadersAsync(
                peer, left, ct => peers.RequestHeadersAsync(peer, parent, count, 0, true, ct), cancellation);
            if (headers.Count == 0) throw new PeerRequestException($"the peer has block {first.Number} but not the one before");
            foreach (var header in headers.Take(count))
            {
                if (header.Hash != first.ParentHash || header.Number != first.Number - 1)
                    throw new PeerRequestException($"the peer's headers below {first.Number} do not link");
                path.Add(header.Hash);
                first = header;
            }
        }
        path.Reverse();
        return path;
    }

    private async Task<IReadOnlyList<BlockHeader>> HeadersAsync(string peer, Patience left,
        Func<CancellationToken, Task<IReadOnlyList<byte[]>>> request, CancellationToken cancellation) =>
        [.. (await AskAsync(peer, left, static () => 0, request, static answer => answer.Count, cancellation))
            .Select(raw => BlockHeader.Decode(raw))];

    private bool HasOther(string peer)
    {
        var ready = peers.Peers;
        lock (_lock) return ready.Any(p => p.NodeId != peer && !_without.Contains(p.NodeId) && !_pace.IsSlow(p.NodeId));
    }

    /// <param name="left">Of the patience with this peer, while there are others.</param>
    /// <param name="received">Of an answer that goes on coming.</param>
    /// <param name="worth">What an answer gives.</param>
    private async Task<IReadOnlyList<byte[]>> AskAsync(
        string peer, Patience left, Func<long> received, Func<CancellationToken, Task<IReadOnlyList<byte[]>>> request,
        Func<IReadOnlyList<byte[]>, long> worth, CancellationToken cancellation)
    {
        using var limit = new AnswerLimit(received, RequestTimeout, () => HasOther(peer) ? left : null, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            var answer = await request(either.Token);
            limit.End(worth(answer));
            return answer;
        }
        catch (OperationCanceledException) when (limit.IsSlow && !cancellation.IsCancellationRequested)
        {
            _pace.MarkSlow(peer);
            throw new PeerRequestException("the peer gives too little in its time, and others may be faster");
        }
    }

    /// <summary>Blocks for a prefix of the headers: a peer may stop early, or leave one out.</summary>
    private async Task<IReadOnlyList<Block>> BodiesAsync(
        string peer, Patience left, IReadOnlyList<BlockHeader> headers, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        IReadOnlyList<byte[]> bodies;
        try
        {
            bodies = await AskAsync(peer, left, () => peers.ReceivedFrom(peer),
                ct => peers.RequestBodiesAsync(peer, [.. headers.Select(h => h.Hash)], ct),
                static answer => answer.Sum(raw => (long)raw.Length + BodyWorth), cancellation);
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // Half as many next time: so many would not come then either.
            _pace.Answered(peer, headers.Count, RequestTimeout, RequestTimeout);
            throw;
        }
        var (took, limit) = (clock.GetElapsedTime(started), HasOther(peer) ? Patience.Most : RequestTimeout);
        var blocks = bodies.Take(headers.Count).Select((raw, i) => new Block(headers[i], Block.DecodeBody(raw))).TakeWhile(Fits).ToList();
        // One that gives nothing at once says nothing of its line.
        if (blocks.Count > 0 || took > limit / 2) _pace.Answered(peer, headers.Count, took, limit);
        return blocks.Count > 0 ? blocks : throw new PeerRequestException("the peer sent no bodies that fit their headers");
    }

    private static bool Fits(Block block)
    {
        try
        {
            BlockValidator.CheckBody(block);
            return true;
        }
        catch (InvalidBlockException)
        {
            return false;
        }
    }

    private async Task ImportAsync(IReadOnlyList<Block> blocks, CancellationToken cancellation)
    {
        var done = new Reply<Taken>();
        while (!post(new NodeInput.SyncedBlocks(blocks, done)))
            await Task.Delay(Pause, clock, cancellation);
        await done.WaitAsync(cancellation);
    }
}
