using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What an operator hears of a change of the membership: that it is committed, or how many members could be reached.</summary>
public sealed class MembershipAnswerTests : IAsyncLifetime
{
    private readonly Mailbox<NodeInput> _mailbox = new();
    private readonly TestClock _clock = new();
    private readonly SilentTransport _transport = new();
    private readonly NodeAssembly _node;
    private readonly NodeLoop _loop;
    private readonly NodeService _service;

    public MembershipAnswerTests()
    {
        var stores = TestChain.Open(new RecordingStore());
        var log = new MemoryRaftLog();
        var core = RaftCore.Bootstrap(new RaftConfig { Id = 1 }, log, n => n / 2, [new RaftPeer(1, Address(1).Encode())]);
        var setup = new NodeCoreSetup { Stores = stores, Signer = TestChain.Signer(1) };
        var link = new RaftLink(_transport, static _ => { }, static () => { });
        _node = new NodeAssembly(setup, new ConsensusSetup.RaftMember(new RaftSetup { Core = core, Log = log, Id = 1 }, link), new NodeSeams
        {
            Peers = new FakePeers(stores),
            Manager = new NoManager(),
            Clock = _clock,
            Post = _mailbox.TryPostUrgent,
            PostBulk = _mailbox.TryPostBulk,
        });
        _loop = new NodeLoop(_node, _mailbox); // not started: the test runs the passes
        _service = new NodeService(stores, _node, _loop, _mailbox)
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
        _node.Start();
        for (var ticks = 0; !core.IsLeader; ticks++)
        {
            Assert.True(ticks < 50, "no leader");
            Pass(50);
        }
    }

    [Fact]
    public async Task A_change_is_answered_with_its_id_once_it_is_committed()
    {
        var added = _service.ChangeMembershipAsync(Add(2), default);
        Pass(1);
        Assert.Equal(2ul, await added);
        Assert.Equal([1ul, 2], _node.Raft!.View.Members.Select(m => m.RaftId));
    }

    [Fact]
    public async Task One_that_is_not_says_how_many_members_are_reachable_and_is_committed_when_it_is_asked_for_again()
    {
        var second = _service.ChangeMembershipAsync(Add(2), default);
        Pass(1);
        await second;

        var third = _service.ChangeMembershipAsync(Add(3), default);
        Pass(1);
        Pass(RaftChanges.WaitMs - 1);
        Assert.False(third.IsCompleted);
        Pass(1);
        var refused = await Assert.ThrowsAsync<RaftMembershipException>(() => third);
        Assert.StartsWith("raft id 3: proposed, not committed: 1 of 2 members reachable;", refused.Message, StringComparison.Ordinal);

        var again = _service.ChangeMembershipAsync(Add(3), default);
        Pass(1);
        _mailbox.TryPostUrgent(new RaftInput.Message(new RaftMessage
        {
            Type = RaftMessageType.AppResp,
            From = 2,
            To = 1,
            Term = _node.Raft!.Core.Term,
            Index = _node.Raft.Core.LastIndex,
        }));
        Pass(1);
        Assert.Equal(3ul, await again);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _loop.DisposeAsync();
        _mailbox.Dispose();
    }

    private static RaftMembershipRequest Add(ulong id) =>
        new RaftMembershipRequest.Add(
            new Enode(Convert.ToHexStringLower(Address(id).NodeId), "127.0.0.1", 30_000 + (int)id, 50_000 + (int)id), AsLearner: false);

    private static RaftAddress Address(ulong id) =>
        new(id, TestChain.Signer((int)id).PublicKey, "127.0.0.1", 30_000 + (int)id, 50_000 + (int)id);

    /// <summary>Time passes, and the loop takes what is there.</summary>
    private void Pass(long milliseconds)
    {
        _clock.Milliseconds += milliseconds;
        var inputs = new List<NodeInput>();
        _mailbox.Take(inputs, 512, TimeSpan.Zero);
        _node.Pass(inputs);
    }

    private sealed class TestClock : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1_000;

        public override long GetTimestamp() => Milliseconds;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000).AddMilliseconds(Milliseconds);
    }
}
