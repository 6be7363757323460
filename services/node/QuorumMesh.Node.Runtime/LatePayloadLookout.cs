using QuorumMesh.Chain;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Finds payloads that came after their block was run, behind a manager that does not tell of them, such as a Tessera: what the manager did
/// not know in the last blocks is asked again, block by block from the newest on. A payload that is found goes the way of one that the
/// manager told of.
/// </summary>
/// <param name="post">To the loop; false while its mailbox is full.</param>
internal sealed class LatePayloadLookout(ITransactionManager manager, NodeStores stores, Func<NodeInput, bool> post, TimeProvider clock)
{
    /// <summary>Blocks that are looked through again and again.</summary>
    public const ulong Blocks = 1_000;

    /// <summary>Blocks of one look, however many are asked for.</summary>
    public const ulong MostBlocks = 100_000;

    /// <summary>Hashes of one look: the newest ones.</summary>
    public const int MostHashes = 20_000;

    private const int HashesPerQuestion = 64;

    /// <summary>Of no Watch stream: what it brings moves no sequence number.</summary>
    private const int NoStream = -1;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FullMailboxPause = TimeSpan.FromMilliseconds(100);
    private int _looking;

    /// <summary>Looks until it is cancelled. The manager's time is its clients': it is asked a quarter of the time at most.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(Interval, clock, cancellation).ConfigureAwait(false);
            await LookAsync(Blocks, pauses: true, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>One look; it ends early when the manager does not answer, and at once while another one goes on.</summary>
    /// <param name="blocks">How many, the last ones; at most <see cref="MostBlocks"/>.</param>
    /// <param name="pauses">Whether to wait between two questions three times as long as the last one took.</param>
    public async Task<LateLook> LookAsync(ulong blocks, bool pauses, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _looking, 1) != 0) return new LateLook(0, 0, "another look is under way");
        try
        {
            return await AskAsync(Skipped(Math.Min(blocks, MostBlocks), cancellation), pauses, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _looking, 0);
        }
    }

    private async Task<LateLook> AskAsync(List<PayloadHash> skipped, bool pauses, CancellationToken cancellation)
    {
        var (asked, found) = (0, 0);
        foreach (var some in skipped.Chunk(HashesPerQuestion))
        {
            for (var done = 0; done < some.Length;)
            {
                var start = clock.GetTimestamp();
                var answers = await manager.ReceiveAsync(some[done..], cancellation).ConfigureAwait(false);
                foreach (var answer in answers)
                {
                    if (answer.Availability == PayloadAvailability.Unavailable) return new LateLook(asked, found, answer.Reason);
                    asked++;
                    if (answer.Availability == PayloadAvailability.NotAParty) continue;
                    found++;
                    await PostAsync(new NodeInput.PayloadArrived(0, answer.Hash, answer.Database, NoStream), cancellation)
                        .ConfigureAwait(false);
                }
                done += Math.Max(1, answers.Count);
                if (pauses) await Task.Delay(clock.GetElapsedTime(start) * 3, clock, cancellation).ConfigureAwait(false);
            }
        }
        return new LateLook(asked, found, null);
    }

    /// <summary>What executed blocks were run without, the newest first, each once.</summary>
    private List<PayloadHash> Skipped(ulong blocks, CancellationToken cancellation)
    {
        using var snapshot = stores.KeyValues.Snapshot();
        if (!SkippedPayloads.Any(snapshot)) return [];
        var last = ChainStore.GetPrivateHead(snapshot)?.Number ?? 0;
        var (hashes, known) = (new List<PayloadHash>(), new HashSet<PayloadHash>());
        for (var number = last; number > 0 && last - number < blocks && hashes.Count < MostHashes; number--)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var hash in MarkedPayloads.WithNamed(snapshot, stores.Rules, Block(snapshot, number)))
                if (hashes.Count < MostHashes && SkippedPayloads.Contains(snapshot, hash) && known.Add(hash)) hashes.Add(hash);
        }
        foreach (var (hash, block) in SkippedPayloads.Shared(snapshot))
            if (hashes.Count < MostHashes && block + blocks > last && known.Add(hash)) hashes.Add(hash);
        return hashes;
    }

    private static Block Block(IKeyValueReader snapshot, ulong number) => ChainStore.GetBlock(snapshot, number)
        ?? throw new ChainCorruptException($"block {number} is below the head and not stored");

    private async Task PostAsync(NodeInput input, CancellationToken cancellation)
    {
        while (!post(input)) await Task.Delay(FullMailboxPause, clock, cancellation).ConfigureAwait(false);
    }
}
