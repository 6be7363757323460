using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Fetches the blocks between our head and a block that Raft has committed, from any peer that has them. The hash of the target is trusted;
/// every header must be linked to by it, every body fit its header, and every block is executed on import.
/// </summary>
internal sealed class ChainSynchroniser(IPeerNetwork peers, Func<NodeInput, bool> post, TimeProvider clock)
{
    private const int HeadersPerRequest = 192;
    private const int BodiesPerRequest = 64;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private SyncProgress? _progress;

    /// <summary>Null when no catch-up runs.</summary>
    public SyncProgress? Progress => Volatile.Read(ref _progress);

    /// <summary>Runs until the target is imported; tries peer after peer, for ever, until cancelled or the loop refuses a block.</summary>
    public async Task RunAsync(BlockPointer head, Hash256 target, CancellationToken cancellation)
    {
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                foreach (var peer in peers.Peers)
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
        if ((await HeadersAsync(ct => peers.RequestHeadersAsync(peer, target, 1, 0, false, ct), cancellation))
            .FirstOrDefault() is not { } last || last.Hash != target)
            return false;
        if (last.Number <= head.Number)
            throw new NodeHaltedException($"the cluster has block {target} at {last.Number}, this node has another one there: it is on "
                + "another chain; start it again from an empty data directory");
        Volatile.Write(ref _progress, new SyncProgress(head.Number, head.Number, last.Number));
        var path = await PathAsync(peer, head, last, cancellation);
        for (var done = 0; done < path.Count;)
        {
            var expected = path.GetRange(done, Math.Min(HeadersPerRequest, path.Count - done));
            var next = head.Number + 1 + (ulong)done;
            var headers = await HeadersAsync(ct => peers.RequestHeadersAsync(peer, next, expected.Count, ct), cancellation);
            if (headers.Count == 0 || headers.Count > expected.Count || headers.Where((header, i) => header.Hash != expected[i]).Any())
                throw new PeerRequestException($"the peer's headers from {next} do not lead to block {target}");
            for (var at = 0; at < headers.Count;)
            {
                var blocks = await BodiesAsync(peer, headers.Skip(at).Take(BodiesPerRequest).ToList(), cancellation);
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
    private async Task<List<Hash256>> PathAsync(string peer, BlockPointer head, BlockHeader target, CancellationToken cancellation)
    {
        var path = new List<Hash256> { target.Hash };
        for (var first = target; first.Number > head.Number + 1;)
        {
            var (parent, count) = (first.ParentHash, (int)Math.Min(HeadersPerRequest, first.Number - head.Number - 1));
            var headers = await HeadersAsync(ct => peers.RequestHeadersAsync(peer, parent, count, 0, true, ct), cancellation);
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

    private async Task<IReadOnlyList<BlockHeader>> HeadersAsync(Func<CancellationToken, Task<IReadOnlyList<byte[]>>> request,
        CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, clock);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        return [.. (await request(timeout.Token)).Select(raw => BlockHeader.Decode(raw))];
    }

    /// <summary>Blocks for a prefix of the headers: a peer may stop early, or leave one out.</summary>
    private async Task<IReadOnlyList<Block>> BodiesAsync(string peer, IReadOnlyList<BlockHeader> headers, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, clock);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        var bodies = await peers.RequestBodiesAsync(peer, [.. headers.Select(h => h.Hash)], timeout.Token);
        var blocks = bodies.Take(headers.Count).Select((raw, i) => new Block(headers[i], Block.DecodeBody(raw))).TakeWhile(Fits).ToList();
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
