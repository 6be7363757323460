using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class LatePayloadLimitTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] First = TestChain.CallPayload(5);
    private static readonly byte[] Second = TestChain.CallPayload(6);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);

    [Fact]
    public void Within_the_limit_the_private_state_goes_back_by_itself_and_says_so()
    {
        var node = Chain(limit: 6);
        var told = Notices(node);
        node.Step(SoloNode.Arrived(First, 3), SoloNode.Answer(First, PayloadAvailability.Here));
        Settle(node);
        Assert.Equal((UInt256)((5 * 31) + 6), Value(node));
        Assert.Contains("goes back 6 blocks", Assert.Single(told).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Beyond_it_the_payload_is_noted_told_once_and_left_to_the_operator()
    {
        var node = Chain(limit: 5);
        var told = Notices(node);
        node.Step(SoloNode.Arrived(First, 3), SoloNode.Answer(First, PayloadAvailability.Here));
        node.Step(SoloNode.Arrived(First, 4));
        Assert.Equal((7ul, 7ul), (node.Head, node.PrivateHead));
        Assert.Equal(6u, Value(node));
        var notice = Assert.Single(told);
        Assert.Equal(NoticeLevel.Warning, notice.Level);
        Assert.Contains("qmesh private rewind", notice.Text, StringComparison.Ordinal);
        Assert.Equal(4, node.Core.WatchAfter);

        node.Start();
        Assert.Equal((1, (ulong?)2), (node.Core.ReportPrivate().LatePayloads, node.Core.ReportPrivate().FirstLateBlock));
        Assert.Equal(1ul, node.Core.RewindPrivate(null));
        Settle(node);
        Assert.Equal((UInt256)((5 * 31) + 6), Value(node));
        Assert.Equal(0, node.Core.ReportPrivate().LatePayloads);
        Assert.Contains("name the block", Assert.Throws<InvalidOperationException>(() => node.Core.RewindPrivate(null)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_operator_may_go_back_to_any_block_whose_public_state_is_gone_too()
    {
        var node = Chain(limit: 5);
        node.Step(SoloNode.Answer(First, PayloadAvailability.Here));
        Assert.Equal(6u, Value(node));
        Assert.Throws<InvalidOperationException>(() => node.Core.RewindPrivate(7));
        Assert.Equal(0ul, node.Core.RewindPrivate(0));
        Settle(node);
        Assert.Equal((UInt256)((5 * 31) + 6), Value(node));
    }

    /// <summary>Creation, a call that is taken for foreign, another one, and four public blocks; few public states are kept.</summary>
    private static SoloNode Chain(ulong limit)
    {
        var node = new SoloNode(keptPublicBlocks: 2, privateRewindLimit: limit);
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(First, PayloadAvailability.NotAParty),
            SoloNode.Answer(Second, PayloadAvailability.Here));
        node.Mine(TestChain.Private(Key, 0, Creation));
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Mine(TestChain.Private(Key, 2, Second, Contract));
        for (var nonce = 3ul; nonce < 7; nonce++) node.Mine(TestChain.Public(Key, nonce));
        Assert.Equal((7ul, 7ul), (node.Head, node.PrivateHead));
        return node;
    }

    private static List<NodeNotice> Notices(SoloNode node)
    {
        var told = new List<NodeNotice>();
        node.Events.Noticed += told.Add;
        return told;
    }

    private static void Settle(SoloNode node)
    {
        var effects = node.Step();
        for (var pass = 0; pass < 100 && node.PrivateHead < node.Head; pass++)
            effects = node.Step([.. effects.FetchPayloads.Select(
                hash => SoloNode.Answer(new[] { Creation, First, Second }.Single(p => TestChain.HashOf(p) == hash),
                PayloadAvailability.Here))]);
        Assert.Equal(node.Head, node.PrivateHead);
    }

    private static UInt256 Value(SoloNode node) => node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero);
}
