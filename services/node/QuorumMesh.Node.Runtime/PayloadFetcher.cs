using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Asks the manager for payloads and follows its Watch stream; the answers go to the loop as inputs. Few requests are under way at once,
/// and each goes on only when the loop has taken the answers before: what is fetched and not taken is bounded by the largest answer, times
/// <see cref="Workers"/>.
/// </summary>
/// <param name="background">What waits for the manager runs, and goes on, here.</param>
internal sealed class PayloadFetcher(
    ITransactionManager manager, Func<NodeInput, bool> post, TimeProvider clock, TaskScheduler background) : IAsyncDisposable
{
    private const int MaxPerRequest = 64;
    private const int Workers = 4;

    /// <summary>Fetched ahead for transactions of the pool; beyond, they are asked for when their block is run.</summary>
    private const int MaxAhead = 16_384;

    /// <summary>Bytes of payloads that the Watch stream brought along, on their way to the loop; more are left to be asked for.</summary>
    private const long MaxBrought = 16 << 20;

    private static readonly TimeSpan FullMailboxPause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Queue<PayloadHash> _first = [];
    private readonly Queue<PayloadHash> _ahead = [];

    /// <summary>In one of the queues and not asked yet; what is in both is asked once.</summary>
    private readonly HashSet<PayloadHash> _waiting = [];
    private int _working;
    private readonly Lock _watchLock = new();
    private long _brought;
    private CancellationTokenSource _watching = new();
    private Task _watch = Task.CompletedTask;

    /// <param name="first">Those of <paramref name="hashes"/> that go before everything else.</param>
    public void Fetch(IReadOnlyCollection<PayloadHash> hashes, IReadOnlyCollection<PayloadHash> first, CancellationToken cancellation)
    {
        if (hashes.Count == 0) return;
        var starting = 0;
        lock (_lock)
        {
            foreach (var hash in first)
            {
                _waiting.Add(hash);
                _first.Enqueue(hash);
            }
            foreach (var hash in hashes)
                if (_ahead.Count < MaxAhead && _waiting.Add(hash)) _ahead.Enqueue(hash);
            var useful = Math.Min(Workers, (_waiting.Count + MaxPerRequest - 1) / MaxPerRequest);
            starting = Math.Max(0, useful - _working);
            _working += starting;
        }
        for (; starting > 0; starting--) _ = background.Start(() => WorkAsync(cancellation));
    }

    /// <summary>Finds out which votes on contract extensions are this participant's. Few: the private head waits for each.</summary>
    public void FetchVotes(IReadOnlyList<PayloadHash> votes, CancellationToken cancellation)
    {
        foreach (var vote in votes) _ = background.Start(() => AskForVoteAsync(vote, cancellation));
    }

    /// <summary>Follows the stream; one that is followed already is left, and has ended before this one is opened.</summary>
    /// <param name="stream">Goes with what it brings.</param>
    public void Watch(long after, int stream, CancellationToken cancellation)
    {
        if (!manager.Enabled) return;
        lock (_watchLock)
        {
            var past = _watching;
            past.Cancel();
            _watching = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var (before, watched) = (_watch, _watching.Token);
            _watch = background.Start(() => WatchAsync(before, past, after, stream, watched));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task watch;
        lock (_watchLock)
        {
            _watching.Cancel();
            watch = _watch;
        }
        await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _watching.Dispose();
    }

    private async Task WorkAsync(CancellationToken cancellation)
    {
        try
        {
            while (Take() is { Count: > 0 } some) await FetchAsync(some, cancellation);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    /// <returns>Empty, and one worker less, when nothing is to be asked.</returns>
    private List<PayloadHash> Take()
    {
        lock (_lock)
        {
            var some = new List<PayloadHash>();
            while (some.Count < MaxPerRequest && (_first.TryDequeue(out var hash) || _ahead.TryDequeue(out hash)))
                if (_waiting.Remove(hash)) some.Add(hash);
            if (some.Count == 0) _working--;
            return some;
        }
    }

    private async Task FetchAsync(List<PayloadHash> hashes, CancellationToken cancellation)
    {
        for (var done = 0; done < hashes.Count;)
        {
            var answers = await AskAsync(hashes[done..], cancellation);
            var taken = new Reply<Taken>();
            await PostAsync(new NodeInput.PayloadAnswers(answers, taken), cancellation);
            await taken.WaitAsync(cancellation);
            done += Math.Max(1, answers.Count);
        }
    }

    /// <summary>
    /// Whatever an answer causes counts as none: a worker that it ended would be missed, and the private head would wait for good once all
    /// have.
    /// </summary>
    private async Task<IReadOnlyList<PayloadAnswer>> AskAsync(List<PayloadHash> hashes, CancellationToken cancellation)
    {
        try
        {
            return await manager.ReceiveAsync(hashes, cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            return hashes.ConvertAll(hash => PayloadAnswer.Unavailable(hash, $"its answer cannot be taken: {e.Message}"));
        }
    }

    private async Task AskForVoteAsync(PayloadHash vote, CancellationToken cancellation)
    {
        try
        {
            await PostAsync(new NodeInput.VoteAnswered(await JudgeAsync(vote, cancellation)), cancellation);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    /// <summary>
    /// As GoQuorum: a vote is ours when our manager sent it and opens it (21:extension/privacyExtension UuidIsOwn). A manager that has not
    /// even its payload, which was here a moment ago, is another one, or has lost it: its word counts for nothing.
    /// </summary>
    private async Task<VoteAnswer> JudgeAsync(PayloadHash vote, CancellationToken cancellation)
    {
        try
        {
            var isSender = await manager.IsSenderAsync(vote, cancellation);
            var answers = await manager.ReceiveAsync([vote], cancellation);
            if (answers is not [{ Payload: { } payload }]) return VoteAnswer.Unavailable(vote, "its payload is not here");
            if (!isSender || SealedPayload.Read(payload) is not { } locked) return VoteAnswer.Foreign(vote);
            return await OpenAsync(vote, locked, cancellation) is { Length: Address.Size } opened
                ? VoteAnswer.Own(vote, new Address(opened)) : VoteAnswer.Foreign(vote);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            return VoteAnswer.Unavailable(vote, e.Message);
        }
    }

    /// <summary>
    /// Tessera answers 500 for what its encryption stumbles over, and GoQuorum goes on without the vote. It is no word on a manager that
    /// cannot open anything now: one whose database and enclave are there has the vote's own payload still.
    /// </summary>
    /// <returns>Null for what the manager does not open.</returns>
    private async Task<byte[]?> OpenAsync(PayloadHash vote, SealedPayload locked, CancellationToken cancellation)
    {
        try
        {
            return await manager.OpenAsync(locked, cancellation);
        }
        catch (TransactionManagerException e) when (e.IsItsOwnFault)
        {
            if (await manager.ReceiveAsync([vote], cancellation) is not [{ Payload: not null }]) throw;
            return null;
        }
    }

    /// <param name="before">The stream that was followed until now, which ends by <paramref name="past"/>.</param>
    private async Task WatchAsync(Task before, CancellationTokenSource past, long after, int stream, CancellationToken cancellation)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        past.Dispose();
        if (cancellation.IsCancellationRequested) return;
        await foreach (var item in manager.WatchAsync(after, cancellation))
        {
            await PostAsync(new NodeInput.PayloadArrived(item.Sequence, item.Hash, item.Database, stream), cancellation);
            if (item.Answer is { } answer) Bring(answer);
        }
    }

    /// <summary>Behind the news of its arrival. One that finds no room is asked for when it is needed.</summary>
    private void Bring(PayloadAnswer answer)
    {
        var size = PayloadCache.Cost(answer);
        if (Interlocked.Add(ref _brought, size) > MaxBrought || !post(new NodeInput.PayloadAnswers([answer], Brought(size))))
            Interlocked.Add(ref _brought, -size);
    }

    private Reply<Taken> Brought(long size)
    {
        var taken = new Reply<Taken>();
        _ = taken.Task.ContinueWith(
            _ => Interlocked.Add(ref _brought, -size), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, background);
        return taken;
    }

    private async Task PostAsync(NodeInput input, CancellationToken cancellation)
    {
        while (!post(input))
            await Task.Delay(FullMailboxPause, clock, cancellation);
    }
}
