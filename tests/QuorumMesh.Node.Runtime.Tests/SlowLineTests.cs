using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// Answers that take long because the line is slow: a body of 8 MB over 1 Mbit/s is on its way for 64 s. They are waited for while they go
/// on coming.
/// </summary>
public sealed class SlowLineTests : IDisposable
{
    private const int BytesPerSecond = 125_000;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BodyTime = TimeSpan.FromSeconds(64);

    private static readonly Lazy<IbftTestChain> OneBlock = new(() =>
    {
        var chain = new IbftTestChain();
        chain.Mine(transactions: [TestChain.Public(TestChain.Key(9), 0)]);
        return chain;
    });

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private long _received;

    private static IbftTestChain Source => OneBlock.Value;

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // who could go on, and is not needed
    public async Task A_body_that_goes_on_coming_is_waited_for(bool hasOther)
    {
        var (peers, fetcher, pace) = NewFetcher(hasOther);
        var fetch = fetcher.FetchAsync(0, [Source.HeaderAt(1)!], _stop.Token);
        For(BodyTime, BytesPerSecond);
        Assert.Single((await fetch.WaitAsync(Patient)).Blocks);
        Assert.Equal(["only"], peers.Asked);
        Assert.Empty(peers.Banned);
        Assert.False(pace.IsSlow("only"));
    }

    [Fact]
    public async Task One_that_comes_in_drops_is_left_for_a_peer_that_could_be_faster()
    {
        var (peers, fetcher, pace) = NewFetcher(hasOther: true);
        var fetch = fetcher.FetchAsync(0, [Source.HeaderAt(1)!], _stop.Token);
        peers.BodyDelay = static peer => peer == "only" ? BodyTime : TimeSpan.Zero;
        For(TimeSpan.FromSeconds(5), 10_000);
        Assert.Single((await fetch.WaitAsync(Patient)).Blocks);
        Assert.Equal(["only", "other"], peers.Asked);
        Assert.True(pace.IsSlow("only"));
        Assert.Empty(peers.Banned);
    }

    [Fact]
    public async Task A_catch_up_waits_for_a_body_that_goes_on_coming()
    {
        var peers = NewPeers(hasOther: true);
        var (own, run) = CatchUp(peers);
        For(BodyTime, BytesPerSecond);
        await run.WaitAsync(Patient);
        Assert.Equal(Source.Head.Hash, IbftTestChain.HeadOf(own));
        Assert.DoesNotContain("other", peers.Asked);
    }

    /// <summary>At less than what is asked of a peer while others could go on: it was left every three seconds, for ever.</summary>
    [Fact]
    public async Task A_catch_up_leaves_nobody_for_a_peer_that_has_not_got_that_far()
    {
        var peers = NewPeers(hasOther: true);
        peers.ChangeHeaders = static (peer, headers) => peer == "other" ? [] : headers;
        var (own, run) = CatchUp(peers);
        await EndAsync(run, 10_000);
        Assert.Equal(Source.Head.Hash, IbftTestChain.HeadOf(own));
    }

    /// <summary>The one that lacked an earlier target is somebody to leave a silent peer for.</summary>
    [Fact]
    public async Task A_catch_up_to_another_target_forgets_who_lacked_the_one_before()
    {
        var (isLacking, asked) = (true, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var peers = NewPeers(hasOther: true);
        peers.BodyDelay = static _ => TimeSpan.Zero;
        peers.ChangeHeaders = (peer, headers) => peer == "other" && isLacking ? [] : headers;
        peers.Names.Reverse();
        var synchroniser = new ChainSynchroniser(peers, static input =>
        {
            ((NodeInput.SyncedBlocks)input).Done.Set(default);
            return true;
        }, _clock);
        var start = new BlockPointer(0, Source.HeaderAt(0)!.Hash);
        await synchroniser.RunAsync(start, Source.Head.Hash, _stop.Token).WaitAsync(Patient);
        Assert.Contains("other", peers.Asked);
        isLacking = false;
        peers.Names.Reverse();
        peers.BodyDelay = peer =>
        {
            if (peer != "only") return TimeSpan.Zero;
            asked.TrySetResult();
            return Timeout.InfiniteTimeSpan;
        };
        var run = synchroniser.RunAsync(start, Source.Head.Hash, _stop.Token);
        await asked.Task.WaitAsync(Patient);
        _clock.Advance(TimeSpan.FromSeconds(4));
        await run.WaitAsync(Patient);
    }

    [Fact]
    public void Silence_ends_the_wait()
    {
        using var limit = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), static () => null, _clock);
        For(TimeSpan.FromSeconds(9.5), 0);
        Assert.False(limit.IsReached);
        For(TimeSpan.FromSeconds(1), 0);
        Assert.True(limit.IsReached);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(1_000, true)]
    [InlineData(1_100, false)]
    public void So_do_drops_where_nobody_else_could_answer(long bytesPerSecond, bool isReached)
    {
        using var limit = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), static () => null, _clock);
        For(TimeSpan.FromSeconds(61), bytesPerSecond);
        Assert.Equal(isReached, limit.IsReached);
        Assert.False(limit.IsSlow);
    }

    [Theory]
    [InlineData(10_000, true)]
    [InlineData(BytesPerSecond, false)]
    public void One_who_could_answer_is_noticed_though_he_comes_later(long bytesPerSecond, bool isReached)
    {
        var (patience, hasOther) = (new Patience(64 * 1024), false);
        using var limit = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), () => hasOther ? patience : null, _clock);
        For(TimeSpan.FromSeconds(15), bytesPerSecond);
        hasOther = true;
        For(TimeSpan.FromSeconds(15), bytesPerSecond);
        Assert.Equal((isReached, isReached), (limit.IsReached, limit.IsSlow));
    }

    [Fact]
    public void Drops_gain_nothing_by_others_that_come_and_go()
    {
        var (patience, asked) = (new Patience(64 * 1024), 0);
        using var limit = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), () => asked++ % 2 == 0 ? patience : null, _clock);
        For(TimeSpan.FromSeconds(30), 10);
        Assert.True(limit.IsReached);
    }

    [Fact]
    public void So_does_what_comes_on_and_on_and_is_no_answer()
    {
        var patience = new Patience(64 * 1024);
        using var alone = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), static () => null, _clock);
        using var beside = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), () => patience, _clock);
        For(TimeSpan.FromSeconds(60), 1 << 20);
        Assert.True(alone.IsReached && beside.IsReached);
    }

    [Fact]
    public void What_was_counted_while_it_came_is_not_counted_again_at_its_end()
    {
        var patience = new Patience(perSecond: 100_000);
        using (var limit = new AnswerLimit(() => _received, TimeSpan.FromSeconds(10), () => patience, _clock))
        {
            For(TimeSpan.FromSeconds(6), 50_000); // half of what keeps it: three seconds last for six
            Assert.True(limit.IsReached);
            limit.End(300_000);
        }
        Assert.Equal(TimeSpan.Zero, patience.Left);
    }

    private void For(TimeSpan time, long bytesPerSecond)
    {
        for (var left = time; left > TimeSpan.Zero; left -= Second)
        {
            _received += bytesPerSecond;
            _clock.Advance(left < Second ? left : Second);
        }
    }

    /// <summary>Time goes on until it has ended, for what follows from one thing is on its way on other threads.</summary>
    private async Task EndAsync(Task run, long bytesPerSecond)
    {
        for (var waited = Stopwatch.StartNew(); !run.IsCompleted; await Task.Delay(1))
        {
            Assert.True(waited.Elapsed < Patient, "it does not end");
            _received += bytesPerSecond / 4;
            _clock.Advance(Second / 4);
        }
        await run;
    }

    private FakePeers NewPeers(bool hasOther)
    {
        var peers = new FakePeers(Source.Stores)
        {
            Clock = _clock,
            BodyDelay = static _ => BodyTime,
            Received = peer => peer == "only" ? _received : 0,
        };
        if (hasOther) peers.Names.Add("other");
        return peers;
    }

    private (NodeStores Own, Task Run) CatchUp(FakePeers peers)
    {
        var own = IbftTestChain.Open(new MemoryKeyValueStore());
        var importer = new ChainImporter(own);
        var synchroniser = new ChainSynchroniser(peers, input =>
        {
            var synced = (NodeInput.SyncedBlocks)input;
            foreach (var block in synced.Blocks) importer.Import(block);
            synced.Done.Set(default);
            return true;
        }, _clock);
        return (own, synchroniser.RunAsync(new BlockPointer(0, IbftTestChain.HeadOf(own)), Source.Head.Hash, _stop.Token));
    }

    private (FakePeers Peers, BodyFetcher Fetcher, PeerPace Pace) NewFetcher(bool hasOther)
    {
        var (peers, pace) = (NewPeers(hasOther), new PeerPace(_clock));
        return (peers, new BodyFetcher(peers, new PeerFaults(peers, _clock), pace, new SyncGate(long.MaxValue, _clock),
            IbftTestChain.Open(new MemoryKeyValueStore()), static (_, _) => true, _clock), pace);
    }
}
