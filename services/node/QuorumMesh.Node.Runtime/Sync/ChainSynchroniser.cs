using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Fetches the blocks between our head and a block that Raft has committed, from any peer that has them. The hash of the target is trusted; every header must
/// link to it, and every block is executed on import.
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
                        if (await FromPeerAsync(peer.NodeId, head, target, cancellation).ConfigureAwait(false)) return;
                    }
                    catch (Exception e) when (e is PeerRequestException or FormatException or TimeoutException
                        || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
                    {
                        // The next peer may do better; what is imported stays.
                    }
                    catch (NodeHaltedException e)
                    {
                        post(new NodeInput.SyncFailed(target, e.Message));
                        return;
                    }
                    if (Progress is { } progress) head = head with { Number = progress.CurrentBlock };
                }
                await Task.Delay(Pause, clock, cancellation).ConfigureAwait(false);
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
        if ((await HeadersAsync(ct => peers.RequestHeadersAsync(peer, target, 1, 0, false, ct), cancellation).ConfigureAwait(false)).FirstOrDefault() is not { } last || last.Hash != target)
            return false;
        var next = head.Number + 1;
        Volatile.Write(ref _progress, new SyncProgress(head.Number, head.Number, last.Number));
        while (next <= last.Number)
        {
            var count = (int)Math.Min(HeadersPerRequest, last.Number - next + 1);
            var headers = await HeadersAsync(ct => peers.RequestHeadersAsync(peer, next, count, ct), cancellation).ConfigureAwait(false);
            Check(headers, next, last);
            for (var at = 0; at < headers.Count;)
            {
                var blocks = await BodiesAsync(peer, headers.Skip(at).Take(BodiesPerRequest).ToList(), cancellation).ConfigureAwait(false);
                await ImportAsync(blocks, cancellation).ConfigureAwait(false);
                at += blocks.Count;
                Volatile.Write(ref _progress, new SyncProgress(head.Number, blocks[^1].Number, last.Number));
            }
            next += (ulong)headers.Count;
        }
        return true;
    }

    private static void Check(IReadOnlyList<BlockHeader> headers, ulong first, BlockHeader last)
    {
        if (headers.Count == 0) throw new PeerRequestException($"the peer has block {last.Number} but not {first}");
        for (var i = 0; i < headers.Count; i++)
            if (headers[i].Number != first + (ulong)i || (i > 0 && headers[i].ParentHash != headers[i - 1].Hash))
                throw new PeerRequestException($"the peer's headers from {first} do not link");
        if (headers[^1].Number == last.Number && headers[^1].Hash != last.Hash)
            throw new PeerRequestException($"the peer's headers do not lead to block {last.Hash}");
    }

    private static async Task<IReadOnlyList<BlockHeader>> HeadersAsync(Func<CancellationToken, Task<IReadOnlyList<byte[]>>> request, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(RequestTimeout);
        return [.. (await request(timeout.Token).ConfigureAwait(false)).Select(raw => BlockHeader.Decode(raw))];
    }

    /// <summary>Blocks for a prefix of the headers: a peer may stop early.</summary>
    private async Task<IReadOnlyList<Block>> BodiesAsync(string peer, IReadOnlyList<BlockHeader> headers, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(RequestTimeout);
        var bodies = await peers.RequestBodiesAsync(peer, [.. headers.Select(h => h.Hash)], timeout.Token).ConfigureAwait(false);
        if (bodies.Count == 0) throw new PeerRequestException("the peer sent no bodies");
        return [.. bodies.Select((raw, i) => new Block(headers[i], Block.DecodeBody(raw)))];
    }

    private async Task ImportAsync(IReadOnlyList<Block> blocks, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (!post(new NodeInput.SyncedBlocks(blocks, done)))
            await Task.Delay(Pause, clock, cancellation).ConfigureAwait(false);
        await done.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }
}
