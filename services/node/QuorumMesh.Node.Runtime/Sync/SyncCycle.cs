using System.Threading.Channels;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Takes everything that one peer has behind our head into the chain: its headers in pipelined ranges, the bodies from all peers, blocks
/// imported in order by the writer loop while the next ones are fetched. Of what is on the way only a window is held, however long the
/// chain.
/// </summary>
internal sealed class SyncCycle(
    IPeerNetwork peers, PeerFaults faults, PeerPace pace, NodeStores stores, Func<NodeInput, bool> post, TimeProvider clock)
{
    private const int BlocksPerTurn = 64;
    private const int TransactionsPerImport = 512;
    private const int TurnsAhead = 16;
    private const long BytesAhead = 48L * 1024 * 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly SyncGate _gate = new(BytesAhead, clock);

    /// <summary>Called with each imported block's number.</summary>
    public Action<ulong>? Imported { get; init; }

    /// <summary>Whether another peer that is not known as slow says that it is ahead.</summary>
    public required Func<bool> OthersAhead { get; init; }

    /// <summary>Whether a peer says itself that it has this block.</summary>
    public required Func<string, ulong, bool> IsAt { get; init; }

    /// <summary>Runs until the peer has no more.</summary>
    /// <returns>How many blocks were given to the chain; null when the peer does not have our head.</returns>
    /// <exception cref="ForkedPeerException">The peer is on another chain.</exception>
    /// <exception cref="FormatException">The peer sent no chain.</exception>
    /// <exception cref="PeerRequestException">A peer did not answer, or nobody has the bodies.</exception>
    /// <exception cref="SlowPeerException">Others may be faster.</exception>
    /// <exception cref="NodeHaltedException">A block was refused by the chain.</exception>
    public async Task<ulong?> RunAsync(string peer, BlockPointer head, CancellationToken cancellation)
    {
        using var ranges = new HeaderRanges(peers, clock, peer, head, pace.HeadersOf(peer), OthersAhead);
        if (await ranges.FirstAsync(cancellation) is not { } first) return null;
        if (first.Count == 0) return 0;
        var turns = Channel.CreateBounded<Task<FetchedBlocks>>(TurnsAhead);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var fetching = FetchAsync(ranges, first, turns.Writer, stop.Token);
        try
        {
            var count = await ImportAsync(turns.Reader, stop.Token);
            await fetching;
            return count;
        }
        finally
        {
            // Not CancelAsync, which goes on by way of the thread pool.
            stop.Cancel();
            await fetching.EndAsync();
            while (turns.Reader.TryRead(out var turn)) await turn.EndAsync();
        }
    }

    private async Task FetchAsync(
        HeaderRanges ranges, IReadOnlyList<BlockHeader> first, ChannelWriter<Task<FetchedBlocks>> turns, CancellationToken cancellation)
    {
        var bodies = new BodyFetcher(peers, faults, pace, _gate, stores, IsAt, clock);
        var turn = 0;
        try
        {
            await QueueAsync(first);
            if (first.Count == HeaderRanges.PerRequest - 1)
                await foreach (var range in ranges.FollowingAsync(first[^1], cancellation)) await QueueAsync(range);
        }
        finally
        {
            turns.Complete();
        }

        async Task QueueAsync(IReadOnlyList<BlockHeader> headers)
        {
            foreach (var some in headers.Chunk(BlocksPerTurn))
            {
                await turns.WaitToWriteAsync(cancellation);
                await turns.WriteAsync(bodies.FetchAsync(turn++, some, cancellation), cancellation);
            }
        }
    }

    private async Task<ulong> ImportAsync(ChannelReader<Task<FetchedBlocks>> turns, CancellationToken cancellation)
    {
        var (count, earlier) = (0ul, default(Batch));
        while (await turns.WaitToReadAsync(cancellation))
        {
            var fetched = await await turns.ReadAsync(cancellation);
            foreach (var blocks in InBatches(fetched.Blocks))
            {
                // One is imported while the next is brought to the loop.
                var batch = await PostAsync(blocks, cancellation);
                await DoneAsync(earlier, cancellation);
                earlier = batch;
                count += (ulong)blocks.Count;
            }
            _gate.Leave(fetched.Turn, fetched.Bytes);
            if (fetched.MissingFrom is not { } gap) continue;
            await DoneAsync(earlier, cancellation);
            throw new PeerRequestException($"nobody has the bodies of its blocks from {gap} on");
        }
        await DoneAsync(earlier, cancellation);
        return count;
    }

    private async Task<Batch> PostAsync(IReadOnlyList<Block> blocks, CancellationToken cancellation)
    {
        var done = new Reply<Taken>();
        while (!post(new NodeInput.SyncedBlocks(blocks, done))) await Task.Delay(Pause, clock, cancellation);
        return new Batch(done, blocks[^1].Number);
    }

    private async Task DoneAsync(Batch? batch, CancellationToken cancellation)
    {
        if (batch is null) return;
        await batch.Done.WaitAsync(cancellation);
        Imported?.Invoke(batch.Last);
    }

    /// <summary>Few enough transactions in one pass of the loop that others are not kept waiting.</summary>
    private static IEnumerable<IReadOnlyList<Block>> InBatches(IReadOnlyList<Block> blocks)
    {
        var (batch, transactions) = (new List<Block>(), 0);
        foreach (var block in blocks)
        {
            if (batch.Count > 0 && transactions + block.Transactions.Count > TransactionsPerImport)
            {
                yield return batch;
                (batch, transactions) = ([], 0);
            }
            batch.Add(block);
            transactions += block.Transactions.Count;
        }
        if (batch.Count > 0) yield return batch;
    }

    private sealed record Batch(Reply<Taken> Done, ulong Last);
}
