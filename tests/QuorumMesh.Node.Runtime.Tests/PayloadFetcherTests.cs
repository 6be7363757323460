using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class PayloadFetcherTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task No_more_answers_are_fetched_than_the_loop_takes()
    {
        var manager = new FakeManager();
        var posted = new BlockingCollection<NodeInput.PayloadAnswers>();
        await using var fetcher = new PayloadFetcher(manager, input => posted.TryAdd((NodeInput.PayloadAnswers)input), TimeProvider.System,
            TaskScheduler.Default);
        var hashes = Hashes(1_000);
        fetcher.Fetch(hashes, [], CancellationToken.None);

        var seen = new HashSet<PayloadHash>();
        while (seen.Count < hashes.Count)
        {
            Assert.True(posted.TryTake(out var input, Limit), $"{seen.Count} answers");
            // One at a time, as large payloads come; what is out was asked for by a worker that waits to be told that it was taken.
            Assert.True(seen.Add(Assert.Single(input.Answers).Hash));
            Assert.InRange(Volatile.Read(ref manager.Answered) - seen.Count, 0, 4);
            input.Taken!.Set(default);
        }
        Assert.Equal(hashes.Count, manager.Answered);
    }

    [Fact]
    public async Task What_the_private_head_waits_for_goes_first_and_is_asked_once()
    {
        var manager = new FakeManager();
        var posted = new BlockingCollection<NodeInput.PayloadAnswers>();
        await using var fetcher = new PayloadFetcher(manager, input => posted.TryAdd((NodeInput.PayloadAnswers)input), TimeProvider.System,
            TaskScheduler.Default);
        var ahead = Hashes(1_000);
        fetcher.Fetch(ahead, [], CancellationToken.None);
        // All workers are busy with what came before.
        var first = Enumerable.Range(0, 4)
            .Select(_ => posted.TryTake(out var input, Limit) ? input : throw new TimeoutException()).ToList();
        var urgent = ahead[900];
        fetcher.Fetch([urgent], [urgent], CancellationToken.None);
        foreach (var input in first) input.Taken!.Set(default);

        var order = new List<PayloadHash>(first.Select(i => i.Answers[0].Hash));
        while (order.Count < ahead.Count)
        {
            Assert.True(posted.TryTake(out var input, Limit), $"{order.Count} answers");
            order.Add(input.Answers[0].Hash);
            input.Taken!.Set(default);
        }
        Assert.Equal(ahead.Count, order.Distinct().Count());
        // Behind the requests that were under way: four of 64.
        Assert.InRange(order.IndexOf(urgent), 0, 8 * 64);
    }

    [Fact]
    public async Task What_an_answer_throws_costs_no_worker()
    {
        var manager = new FakeManager { Failures = 8 };
        var posted = new BlockingCollection<NodeInput.PayloadAnswers>();
        await using var fetcher = new PayloadFetcher(manager, input => posted.TryAdd((NodeInput.PayloadAnswers)input), TimeProvider.System,
            TaskScheduler.Default);
        foreach (var hash in Hashes(16))
        {
            fetcher.Fetch([hash], [hash], CancellationToken.None);
            Assert.True(posted.TryTake(out var input, Limit), "no answer comes any more");
            var answer = Assert.Single(input.Answers);
            Assert.Equal(hash, answer.Hash);
            Assert.Equal(manager.Answered <= 8, answer is { Availability: PayloadAvailability.Unavailable, Reason: not null });
            input.Taken!.Set(default);
        }
    }

    [Fact]
    public async Task Streams_that_were_left_hold_nothing()
    {
        var manager = new FakeManager();
        await using (var fetcher = new PayloadFetcher(manager, static _ => true, TimeProvider.System, TaskScheduler.Default))
        {
            using var stop = new CancellationTokenSource();
            for (var stream = 1; stream <= 20; stream++)
            {
                fetcher.Watch(0, stream, stop.Token);
                var opened = stream;
                await Until(() => manager.Streams.Count == opened);
            }
            await Until(() => manager.Streams.SkipLast(1).All(IsDisposed));
            Assert.False(IsDisposed(manager.Streams.Last()));
            Assert.Equal(1, manager.MostStreams);
        }
        Assert.All(manager.Streams, stream => Assert.True(IsDisposed(stream)));
    }

    private static bool IsDisposed(CancellationToken token)
    {
        try
        {
            _ = token.WaitHandle;
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private static async Task Until(Func<bool> condition)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < Limit, "it did not come to that");
            await Task.Delay(5);
        }
    }

    private static List<PayloadHash> Hashes(int count) =>
        [.. Enumerable.Range(0, count).Select(i => TestChain.HashOf(BitConverter.GetBytes(i)))];

    /// <summary>Answers for the first hash alone.</summary>
    private sealed class FakeManager : ITransactionManager
    {
        public int Answered;

        /// <summary>What ends each stream that was opened, in order.</summary>
        public ConcurrentQueue<CancellationToken> Streams { get; } = [];

        /// <summary>Open at once.</summary>
        public int MostStreams { get; private set; }

        private int _open;

        /// <summary>How many of the first questions end as a character set does that .NET has not.</summary>
        public int Failures { get; init; }

        public bool Enabled => true;

        public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task SendSignedAsync(
            PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation)
        {
            if (Interlocked.Increment(ref Answered) <= Failures)
                throw new InvalidOperationException("The character set provided in ContentType is invalid.");
            return Task.FromResult<IReadOnlyList<PayloadAnswer>>([PayloadAnswer.NotAParty(hashes[0])]);
        }

        public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation]
            CancellationToken cancellation)
        {
            MostStreams = Math.Max(MostStreams, Interlocked.Increment(ref _open));
            Streams.Enqueue(cancellation);
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            }
            finally
            {
                Interlocked.Decrement(ref _open);
            }
            yield break;
        }
    }
}
