using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A node whose disk stands still refuses transactions, before what waits fills the memory.</summary>
public sealed class BusyLoopTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Mailbox<NodeInput> _mailbox = new();
    private readonly ManualClock _clock = new();
    private readonly RecordingStore _store = new();
    private readonly ManualResetEventSlim _disk = new(initialState: true);
    private readonly ManualResetEventSlim _isStuck = new();
    private readonly NodeLoop _loop;
    private readonly NodeService _service;

    public BusyLoopTests()
    {
        var stores = TestChain.Open(_store);
        var log = new MemoryRaftLog();
        var address = new RaftAddress(1, TestChain.Signer(1).PublicKey, "127.0.0.1", 30_001, 50_001);
        var core = RaftCore.Bootstrap(new RaftConfig { Id = 1 }, log, n => n / 2, [new RaftPeer(1, address.Encode())]);
        var setup = new NodeCoreSetup { Stores = stores, Signer = TestChain.Signer(1) };
        var link = new RaftLink(new SilentTransport(), static _ => { }, static () => { });
        var raft = new RaftSetup { Core = core, Log = log, Id = 1 };
        var node = new NodeAssembly(setup, new ConsensusSetup.RaftMember(raft, link), new NodeSeams
        {
            Peers = new FakePeers(stores),
            Manager = new NoManager(),
            Clock = _clock,
            Post = _mailbox.TryPostUrgent,
            PostBulk = _mailbox.TryPostBulk,
        });
        _loop = new NodeLoop(node, _mailbox);
        _service = new NodeService(stores, node, _loop, _mailbox)
        {
            NetworkId = 1,
            ClientVersion = "",
            DataDirectory = "",
            TransactionManager = new NoManager(),
            Accounts = null!,
            NodeKey = TestChain.Signer(1),
            Peers = new FakePeers(stores),
            Events = setup.Events,
        };
        _loop.Start();
    }

    [Fact]
    public async Task It_refuses_until_the_disk_answers_and_keeps_what_it_had_taken()
    {
        _store.Written = (_, _) =>
        {
            if (!_disk.IsSet) _isStuck.Set();
            _disk.Wait();
        };
        _disk.Reset();
        var first = _service.SubmitAsync(TestChain.Public(TestChain.Key(500), 0), default);
        Assert.True(_isStuck.Wait(Limit));
        _clock.Advance(11_000);
        var refused = await Assert.ThrowsAsync<TransactionRejectedException>(
            () => _service.SubmitAsync(TestChain.Public(TestChain.Key(500), 1), default));
        Assert.Contains("busy with one batch for", refused.Message, StringComparison.Ordinal);
        Assert.Contains("busy with one batch for", (await RefusedAsync(inBatch: true)).Message, StringComparison.Ordinal);
        Assert.False(first.IsCompleted);

        // raft_explain answers meanwhile, by what is known without the loop.
        var (facts, verdict) = await _service.RaftNode!.ExplainAsync(default);
        Assert.Null(facts.Report);
        Assert.Contains("busy with one batch", verdict.Verdict, StringComparison.Ordinal);

        _disk.Set();
        await first;
        for (var end = DateTime.UtcNow + Limit; _loop.SinceLastPass > TimeSpan.FromSeconds(1);)
        {
            Assert.True(DateTime.UtcNow < end, "the loop goes on");
            await Task.Delay(5);
        }
        await _service.SubmitAsync(TestChain.Public(TestChain.Key(500), 1), default);
    }

    [Fact]
    public async Task It_refuses_while_the_flush_of_the_journal_hangs_beside_the_loop()
    {
        _store.Synced = () =>
        {
            if (!_disk.IsSet) _isStuck.Set();
            _disk.Wait();
        };
        _disk.Reset();
        var first = _service.SubmitAsync(TestChain.Public(TestChain.Key(500), 0), default);
        Assert.True(_isStuck.Wait(Limit));
        _clock.Advance(11_000);
        // The loop itself goes on: it answers.
        await _service.PoolCountsAsync(default).WaitAsync(Limit);
        Assert.Equal("one flush of the transaction journal", _loop.Busy.With);
        foreach (var refused in new[] { await RefusedAsync(false), await RefusedAsync(true) })
            Assert.Contains("busy with one flush of the transaction journal for 11 s", refused.Message, StringComparison.Ordinal);
        Assert.False(first.IsCompleted);

        _disk.Set();
        await first.WaitAsync(Limit);
        for (var end = DateTime.UtcNow + Limit; _loop.Busy.For > TimeSpan.FromSeconds(1);)
        {
            Assert.True(DateTime.UtcNow < end, "the flush ends");
            await Task.Delay(5);
        }
        await _service.SubmitAsync(TestChain.Public(TestChain.Key(500), 1), default).WaitAsync(Limit);
    }

    private Task<TransactionRejectedException> RefusedAsync(bool inBatch)
    {
        var transaction = TestChain.Public(TestChain.Key(500), 1);
        return Assert.ThrowsAsync<TransactionRejectedException>(() => inBatch
            ? _service.SubmitAllAsync([transaction], default).WaitAsync(Limit)
            : _service.SubmitAsync(transaction, default).WaitAsync(Limit));
    }

    public async ValueTask DisposeAsync()
    {
        _disk.Set();
        await _loop.DisposeAsync();
        _mailbox.Dispose();
    }

    private sealed class ManualClock : TimeProvider
    {
        private long _milliseconds;

        public override long TimestampFrequency => 1_000;

        public void Advance(long milliseconds) => Interlocked.Add(ref _milliseconds, milliseconds);

        public override long GetTimestamp() => Interlocked.Read(ref _milliseconds);

        public override DateTimeOffset GetUtcNow() =>
            DateTimeOffset.FromUnixTimeSeconds(1_700_000_000).AddMilliseconds(Interlocked.Read(ref _milliseconds));
    }
}
