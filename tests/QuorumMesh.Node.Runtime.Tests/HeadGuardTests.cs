using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// A node of three whose blocks are not those of the others: it asks them over eth, says so, and acknowledges nothing until they
/// agree again.
/// </summary>
public sealed class HeadGuardTests
{
    private readonly SoloNode _ours = new();
    private readonly SoloNode _theirs = new();
    private readonly MemberNode _node;
    private readonly ChainPeers _peers = new();

    public HeadGuardTests()
    {
        Mine(_ours, TestChain.Key(1), 5);
        Mine(_theirs, TestChain.Key(2), 5);
        _node = new MemberNode(_ours);
    }

    [Fact]
    public async Task On_another_chain_than_the_majority_it_acknowledges_nothing()
    {
        await _node.SubmitAsync(0);
        Connect(2, _theirs);
        Connect(3, _theirs);
        await CompareAsync(_node.Started);

        var conflict = Assert.Single(_node.Standings).Conflict!;
        Assert.Equal((1UL, Hash(_ours, 1), Hash(_theirs, 1), 2, 3),
            (conflict.Number, conflict.Own, conflict.Theirs, conflict.Holders, conflict.Members));
        Assert.Contains("is on another chain", (await Assert.ThrowsAsync<TransactionRejectedException>(() => _node.SubmitAsync(1))).Message,
            StringComparison.Ordinal);
        using var view = new NodeView(_node.Stores, _node.Core.PrivateStatus, _node.Core.HeadStanding.Conflict);
        Assert.Throws<HeadConflictException>(view.RequireAgreement);
    }

    [Fact]
    public async Task It_neither_leads_nor_asks_for_votes_meanwhile()
    {
        Connect(2, _theirs);
        Connect(3, _theirs);
        await CompareAsync(_node.Started);
        _node.Transport.Sent.Clear();
        _node.Tick(200);
        Assert.Empty(_node.Transport.Sent);
    }

    [Fact]
    public async Task It_remembers_through_a_restart_and_recovers_by_itself()
    {
        Connect(2, _theirs);
        Connect(3, _theirs);
        await CompareAsync(_node.Started);
        _node.Start();
        await Assert.ThrowsAsync<TransactionRejectedException>(() => _node.SubmitAsync(0));

        // Nobody, or one alone, decides nothing.
        _peers.Clear();
        await CompareAsync(_node.Started);
        Connect(2, _theirs);
        await CompareAsync(_node.After(5_000));
        await Assert.ThrowsAsync<TransactionRejectedException>(() => _node.SubmitAsync(0));

        Connect(3, _ours);
        await CompareAsync(_node.After(5_000));
        Assert.Null(_node.Standings[^1].Conflict);
        await _node.SubmitAsync(0);
        _node.Start();
        await _node.SubmitAsync(1);
    }

    [Fact]
    public async Task One_liar_stops_nobody()
    {
        Connect(2, _theirs);
        Connect(3, _ours);
        _peers.Strangers["stranger"] = new PeerRequestHandler(_theirs.Stores, static _ => true);
        await CompareAsync(_node.Started);
        Assert.Empty(_node.Standings);
        await _node.SubmitAsync(0);
    }

    /// <summary>Heads far apart: the heights at which they can be compared have to be found.</summary>
    [Theory]
    [InlineData(60, 3)]
    [InlineData(3, 60)]
    [InlineData(60, 25)]
    public async Task Chains_of_other_lengths_are_compared_where_both_have_blocks(int own, int theirs)
    {
        Mine(_ours, TestChain.Key(1), own, from: 5);
        Mine(_theirs, TestChain.Key(2), theirs, from: 5);
        var node = new MemberNode(_ours);
        Connect(2, _theirs);
        Connect(3, _theirs);
        await CompareAsync(node.Started, node);
        Assert.NotNull(node.Core.HeadStanding.Conflict);
    }

    [Fact]
    public async Task Members_that_lag_by_different_lengths_agree_where_they_can()
    {
        var (near, far) = (new MemoryKeyValueStore(), new MemoryKeyValueStore());
        Mine(_ours, TestChain.Key(1), 80, from: 5);
        MemberNode.Copy(_ours, near, 70);
        MemberNode.Copy(_ours, far, 9);
        var node = new MemberNode(_ours);
        _peers.Members[MemberNode.IdOf(2)] = new PeerRequestHandler(TestChain.Open(near), static _ => true);
        _peers.Members[MemberNode.IdOf(3)] = new PeerRequestHandler(TestChain.Open(far), static _ => true);
        var answers = await AskAsync(node.Started.CompareHeads!);
        Assert.Equal(2, answers.Answered);
        Assert.Contains(answers.Reports, r => r.Member == MemberNode.IdOf(2) && r.Number == 9);
        Assert.Contains(answers.Reports, r => r.Member == MemberNode.IdOf(3) && r.Number == 9);
        Assert.Equal(9UL, answers.Reports.Where(r => r.Member == MemberNode.IdOf(3)).Max(r => r.Number));
        node.Step(new NodeInput.HeadsCompared(answers));
        Assert.Null(node.Core.HeadStanding.Conflict);
    }

    [Fact]
    public async Task A_start_far_behind_is_noticed_and_waited_for()
    {
        var fresh = new MemberNode();
        Assert.Equal((false, false), (fresh.Core.HeadStanding.IsCompared, fresh.Core.HeadStanding.IsFarBehind));
        Mine(_theirs, TestChain.Key(2), (int)HeadCheck.FarBehind, from: 5);
        Connect(2, _theirs);
        Connect(3, _theirs);
        await CompareAsync(fresh.Started, fresh);
        Assert.Equal((true, true), (fresh.Core.HeadStanding.IsCompared, fresh.Core.HeadStanding.IsFarBehind));
        Assert.Null(fresh.Core.HeadStanding.Conflict);

        // One of two that claims to be ahead is not most.
        Connect(3, new SoloNode());
        await CompareAsync(fresh.After(5_000), fresh);
        Assert.False(fresh.Core.HeadStanding.IsFarBehind);
    }

    [Fact]
    public async Task Without_any_answer_the_start_is_not_waited_for_without_end()
    {
        await CompareAsync(_node.Started);
        Assert.False(_node.Core.HeadStanding.IsCompared);
        _node.After(60_000);
        Assert.True(_node.Core.HeadStanding.IsCompared);
    }

    [Fact]
    public async Task Nonsense_and_silence_are_no_answers()
    {
        Connect(2, _theirs);
        Connect(3, _theirs);
        _peers.Change = static headers => headers.Count > 0 ? [headers[0], headers[0]] : headers;
        Assert.Equal(0, (await AskAsync(_node.Started.CompareHeads!)).Answered);
        _peers.Change = static _ => [[1, 2, 3]];
        Assert.Equal(0, (await AskAsync(_node.Started.CompareHeads!)).Answered);
        _peers.Change = static _ => throw new PeerRequestException("gone");
        Assert.Equal(0, (await AskAsync(_node.Started.CompareHeads!)).Answered);
        Assert.Null(_node.Core.HeadStanding.Conflict);
    }

    [Fact]
    public async Task Rounds_come_every_few_seconds_and_never_two_at_a_time()
    {
        Connect(2, _ours);
        Assert.NotNull(_node.Started.CompareHeads);
        Assert.Null(_node.After(10_000).CompareHeads);
        await CompareAsync(_node.Started);
        Assert.Null(_node.After(1_000).CompareHeads);
        Assert.NotNull(_node.After(2_500).CompareHeads);
        // One that never came back is not waited for without end.
        Assert.NotNull(_node.After(60_000).CompareHeads);
        Assert.Null(new SoloNode().Started.CompareHeads);
    }

    private static void Mine(SoloNode node, byte[] key, int blocks, int from = 0)
    {
        for (var i = 0; i < blocks; i++) node.Mine(TestChain.Public(key, (ulong)(from + i)));
    }

    private static Hash256 Hash(SoloNode node, ulong number) => ChainStore.GetCanonicalHash(node.Store, number)!.Value;

    private void Connect(int member, SoloNode chain) =>
        _peers.Members[MemberNode.IdOf(member)] = new PeerRequestHandler(chain.Stores, static _ => true);

    private async Task CompareAsync(NodeEffects effects, MemberNode? node = null)
    {
        Assert.NotNull(effects.CompareHeads);
        (node ?? _node).Step(new NodeInput.HeadsCompared(await AskAsync(effects.CompareHeads)));
    }

    private async Task<HeadAnswers> AskAsync(HeadCheck check)
    {
        var posted = new List<NodeInput>();
        await new HeadProbe(_peers, input =>
        {
            posted.Add(input);
            return true;
        }, TimeProvider.System).RunAsync(check, CancellationToken.None);
        return Assert.IsType<NodeInput.HeadsCompared>(Assert.Single(posted)).Answers;
    }

    /// <summary>Peers that answer each from a chain of its own.</summary>
    private sealed class ChainPeers : IPeerNetwork
    {
        public Dictionary<string, PeerRequestHandler> Members { get; } = [];
        public Dictionary<string, PeerRequestHandler> Strangers { get; } = [];
        public Func<IReadOnlyList<byte[]>, IReadOnlyList<byte[]>> Change { get; set; } = static headers => headers;

        public IReadOnlyList<PeerInfo> Peers =>
            [.. Members.Keys.Concat(Strangers.Keys).Select(id => new PeerInfo(id, id, [], "", "", false, true, 63, UInt256.Zero, default))];

        public Enode Self => throw new InvalidOperationException("not asked for here");

        public void Clear() => Members.Clear();

        public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, ulong from, int count, CancellationToken ct)
        {
            Assert.DoesNotContain(nodeId, Strangers.Keys);
            return Task.FromResult(Change(Members[nodeId].GetHeaders(new HeaderQuery(null, from, count, 0, false))));
        }

        public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, Hash256 from, int count, ulong skip, bool reverse,
            CancellationToken ct) => throw new InvalidOperationException("not asked for here");

        public Task<IReadOnlyList<byte[]>> RequestBodiesAsync(string nodeId, IReadOnlyList<Hash256> hashes, CancellationToken ct) =>
            throw new InvalidOperationException("not asked for here");

        public void SetStatus(PeerStatus own)
        {
        }

        public void BroadcastBlock(in Hash256 hash, ulong number, ReadOnlyMemory<byte> rawBlock, in UInt256 totalDifficulty,
            IReadOnlySet<Address>? holders = null)
        {
        }

        public void BanPeer(string nodeId, string reason, TimeSpan duration)
        {
        }

        public IReadOnlyList<ConfiguredPeer> ConfiguredPeers => [];

        public void AddTrustedPeer(string nodeId)
        {
        }

        public void RemoveTrustedPeer(string nodeId)
        {
        }

        public void AddStaticPeer(Enode e)
        {
        }

        public void RemovePeer(string nodeId)
        {
        }

        public void SetAllowed(Func<string, bool>? nodeIdAllowed)
        {
        }

        public void BroadcastTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions, string? exceptNodeId, bool resend = false)
        {
        }
    }
}
