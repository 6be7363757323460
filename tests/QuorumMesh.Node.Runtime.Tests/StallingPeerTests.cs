using System.Diagnostics;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// A peer that is slow, silent, or gives drops holds nobody up who has another one. Time runs twice as fast as the machine's.
/// </summary>
public sealed class StallingPeerTests : IDisposable
{
    private const ulong Height = 600;

    private static readonly Lazy<IbftTestChain> Long = new(() => NewSource(Height));
    private readonly FastClock _clock = new(2);
    private readonly NodeStores _own = IbftTestChain.Open(new MemoryKeyValueStore());
    private readonly ChainImporter _importer;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public StallingPeerTests() => _importer = new ChainImporter(_own);

    public void Dispose()
    {
        _stop.Cancel();
        Assert.True(_running.Wait(TimeSpan.FromMinutes(1)));
        _stop.Dispose();
    }

    /// <summary>
    /// "late" has the claim that is preferred. One that gives drops would be asked hundreds of times if it were kept to, a silent one
    /// would hold all up for ever.
    /// </summary>
    [Theory]
    [InlineData("silent")]
    [InlineData("slow")]
    [InlineData("drops of headers")]
    [InlineData("drops of bodies")]
    [InlineData("half of the headers, then silent")]
    public async Task A_stalling_peer_is_left_for_another_and_not_asked_again_for_a_while(string how)
    {
        var headers = 0;
        var peers = new FakePeers(Long.Value.Stores) { Clock = _clock, TotalDifficulty = Height + 1 };
        peers.Names.Insert(0, "late");
        peers.Delay = peer => peer != "late" ? TimeSpan.Zero : how switch
        {
            "silent" => Timeout.InfiniteTimeSpan,
            "slow" => TimeSpan.FromSeconds(8),
            "half of the headers, then silent" => Interlocked.Increment(ref headers) < 8 ? TimeSpan.Zero : Timeout.InfiniteTimeSpan,
            _ => TimeSpan.FromSeconds(1),
        };
        peers.ChangeHeaders = (peer, all) => peer == "late" && how == "drops of headers" ? [.. all.Take(2)] : all;
        peers.ChangeBodies = (peer, all) => peer == "late" && how == "drops of bodies" ? [.. all.Take(1)] : all;
        var follower = new ChainFollower(peers, _own, Post, _clock);
        follower.OnAnnounced("late", [(Long.Value.Head.Hash, Height + 5)]);
        _running = follower.RunAsync(_stop.Token);
        await SyncedAsync(Long.Value);
        lock (peers.Asked) Assert.InRange(peers.Asked.Count(peer => peer == "late"), 1, 40);
        Assert.Empty(peers.Banned);
    }

    [Fact]
    public async Task A_slow_peer_is_followed_when_it_is_the_only_one()
    {
        var source = NewSource(100);
        var peers = new FakePeers(source.Stores)
        {
            Clock = _clock,
            TotalDifficulty = 101,
            Delay = static _ => TimeSpan.FromSeconds(4),
        };
        _running = new ChainFollower(peers, _own, Post, _clock).RunAsync(_stop.Token);
        await SyncedAsync(source);
        Assert.Empty(peers.Banned);
    }

    [Fact]
    public void A_rest_doubles_and_is_forgotten()
    {
        var clock = new ManualTime();
        var pace = new PeerPace(clock);
        pace.MarkSlow("a");
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.True(pace.IsSlow("a"));
        pace.MarkSlow("a"); // what was under way
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(pace.IsSlow("a"));
        pace.MarkSlow("a");
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.True(pace.IsSlow("a"));
        clock.Advance(TimeSpan.FromMinutes(12));
        pace.MarkSlow("a");
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.False(pace.IsSlow("a"));
        Assert.False(pace.IsSlow("b"));
    }

    [Fact]
    public void Of_a_peer_s_bodies_one_is_asked_for_at_first_and_as_many_then_as_come_in_time()
    {
        var (pace, limit) = (new PeerPace(new ManualTime()), TimeSpan.FromSeconds(3));
        Assert.Equal(1, pace.BodiesOf("a"));
        for (var asked = 1; asked <= 64; asked *= 2) pace.Answered("a", asked, TimeSpan.FromSeconds(1), limit);
        Assert.Equal(64, pace.BodiesOf("a"));
        pace.Answered("a", 3, TimeSpan.Zero, limit); // there were no more to ask for
        pace.Answered("a", 64, TimeSpan.FromSeconds(2), limit);
        Assert.Equal(64, pace.BodiesOf("a"));
        pace.Answered("a", 64, TimeSpan.FromSeconds(2.9), limit);
        Assert.Equal(32, pace.BodiesOf("a"));
        pace.Answered("b", 1, TimeSpan.FromSeconds(9), limit);
        Assert.Equal(1, pace.BodiesOf("b"));
        pace.MarkSlow("a");
        Assert.Equal(1, pace.BodiesOf("a"));
    }

    /// <summary>0.3 s a body: of the dozen that a turn lacks, all at once would not come in the three seconds of patience.</summary>
    [Fact]
    public async Task Of_peers_on_slow_lines_no_more_is_asked_at_once_than_comes_in_time()
    {
        var (clock, most) = (new ManualTime(), 0);
        var peers = new FakePeers(Long.Value.Stores);
        peers.Names.Add("other");
        peers.ChangeBodies = (_, bodies) =>
        {
            most = Math.Max(most, bodies.Count);
            clock.Advance(TimeSpan.FromSeconds(0.3 * bodies.Count));
            return bodies;
        };
        var pace = new PeerPace(clock);
        var fetcher = new BodyFetcher(
            peers, new PeerFaults(peers, clock), pace, new SyncGate(long.MaxValue, clock), _own, static (_, _) => true, clock);
        for (var turn = 0; turn < 4; turn++)
        {
            var headers = Enumerable.Range(1 + (64 * turn), 64).Select(number => Long.Value.HeaderAt((ulong)number)!).ToList();
            Assert.Equal(64, (await fetcher.FetchAsync(turn, headers, _stop.Token)).Blocks.Count);
        }
        Assert.InRange(most, 4, 8);
        Assert.False(pace.IsSlow("only") || pace.IsSlow("other"));
    }

    [Fact]
    public async Task A_peer_that_refuses_at_once_is_not_asked_for_more()
    {
        var (clock, asked) = (new ManualTime(), new List<int>());
        var peers = new FakePeers(Long.Value.Stores);
        peers.ChangeBodies = (_, bodies) =>
        {
            asked.Add(bodies.Count);
            return asked.Count <= 2 ? throw new PeerRequestException("not now") : bodies;
        };
        var fetcher = new BodyFetcher(peers, new PeerFaults(peers, clock), new PeerPace(clock), new SyncGate(long.MaxValue, clock), _own,
            static (_, _) => true, clock);
        var headers = Enumerable.Range(1, 64).Select(number => Long.Value.HeaderAt((ulong)number)!).ToList();
        Assert.Equal(64, (await fetcher.FetchAsync(0, headers, _stop.Token)).Blocks.Count);
        Assert.Equal([1, 1, 1, 2], asked.Take(4));
    }

    [Fact]
    public async Task A_peer_that_is_behind_is_nobody_to_leave_a_slow_one_for()
    {
        var source = NewSource(40);
        var peers = new FakePeers(source.Stores) { Clock = _clock };
        peers.Names.Insert(0, "behind");
        peers.ChangeHeaders = static (peer, headers) => peer == "behind" ? [] : headers;
        peers.ChangeBodies = static (peer, bodies) => peer == "behind" ? [] : bodies;
        peers.Delay = static peer => peer == "behind" ? TimeSpan.Zero : TimeSpan.FromSeconds(4);
        var follower = new ChainFollower(peers, _own, Post, _clock);
        follower.OnAnnounced("only", [(source.Head.Hash, 40)]);
        _running = follower.RunAsync(_stop.Token);
        await SyncedAsync(source);
        Assert.Empty(peers.Banned);
    }

    [Fact]
    public void Patience_ends_after_three_seconds_and_grows_by_what_is_given_up_to_the_same()
    {
        var patience = new Patience(perSecond: 100);
        patience.Count(TimeSpan.FromSeconds(2), 0);
        Assert.Equal(TimeSpan.FromSeconds(1), patience.Left);
        patience.Count(TimeSpan.FromSeconds(1), 150);
        Assert.Equal(TimeSpan.FromSeconds(1.5), patience.Left);
        patience.Count(TimeSpan.Zero, 1_000_000);
        Assert.Equal(Patience.Most, patience.Left);
        patience.Count(TimeSpan.FromSeconds(10), 100);
        Assert.Equal(TimeSpan.Zero, patience.Left);
        patience.Rest(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(1), patience.Left);
        patience.Rest(TimeSpan.FromHours(1));
        Assert.Equal(Patience.Most, patience.Left);
    }

    private bool Post(NodeInput input)
    {
        if (input is not NodeInput.SyncedBlocks synced) return true;
        try
        {
            foreach (var block in synced.Blocks) _importer.Import(block);
            synced.Done.Set(default);
        }
        catch (NodeHaltedException e)
        {
            synced.Done.Refuse(e);
        }
        return true;
    }

    private async Task SyncedAsync(IbftTestChain source)
    {
        var watch = Stopwatch.StartNew();
        while (IbftTestChain.HeadOf(_own) != source.Head.Hash)
        {
            Assert.True(watch.Elapsed.TotalSeconds < 120, "not synced");
            await Task.Delay(10);
        }
    }

    private static IbftTestChain NewSource(ulong height)
    {
        var (chain, key, nonce) = (new IbftTestChain(), TestChain.Key(9), 0ul);
        for (var number = 1ul; number <= height; number++)
            chain.Mine(transactions: number % 5 == 0 ? [TestChain.Public(key, nonce++)] : []);
        return chain;
    }

    /// <summary>The machine's time, so many times as fast.</summary>
    private sealed class FastClock(int times) : TimeProvider
    {
        private readonly long _started = System.GetTimestamp();

        public override long GetTimestamp() => _started + ((System.GetTimestamp() - _started) * times);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new Timer(System.CreateTimer(callback, state, Shorter(dueTime), Shorter(period)), Shorter);

        private TimeSpan Shorter(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? time : time / times;

        private sealed class Timer(ITimer inner, Func<TimeSpan, TimeSpan> shorter) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(shorter(dueTime), shorter(period));

            public void Dispose() => inner.Dispose();

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
