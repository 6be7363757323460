using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What stands still is measured and told once.</summary>
public sealed class ProgressWatchTests
{
    private static readonly byte[] Payload = TestChain.RollingContract;
    private readonly SoloNode _node = new();
    private readonly List<PrivateHeadEvent> _told = [];

    public ProgressWatchTests() => _node.Events.PrivateHeadChanged += _told.Add;

    /// <summary>Nothing is known of the payload, not even that it is missing: for the operator it is the same.</summary>
    [Fact]
    public void A_private_head_that_stands_is_told_once_with_its_block_whatever_the_reason()
    {
        _node.Mine(TestChain.Private(TestChain.Key(1), 0, Payload));
        _node.Mine(TestChain.Public(TestChain.Key(2), 0));
        Assert.Equal((2UL, 0UL), (_node.Head, _node.PrivateHead));
        _node.After(5_000);
        Assert.Empty(_told);
        Assert.InRange(_node.Core.Progress.PrivateHeadWaitMs, 5_000, 5_500);

        _node.After(5_000);
        _node.After(1_000);
        var stands = Assert.Single(_told);
        Assert.Equal((true, _node.Core.PrivateHead, 2UL), (stands.Stands, stands.Block, stands.Head.Number));
        Assert.InRange(stands.WaitedMs, 10_000, 11_000);

        _node.Step(SoloNode.Answer(Payload, PayloadAvailability.Here));
        _node.After(0);
        Assert.Equal((2, false), (_told.Count, _told[1].Stands));
        Assert.True(_told[1].Block.Number >= 1 && _told[1].WaitedMs >= 11_000, _told[1].ToString());
        _node.After(0);
        Assert.Equal((2UL, 0L), (_node.PrivateHead, _node.Core.Progress.PrivateHeadWaitMs));
    }

    [Fact]
    public void The_reason_and_the_payload_are_told()
    {
        _node.Mine(TestChain.Private(TestChain.Key(1), 0, Payload));
        _node.After(9_000, SoloNode.Answer(Payload, PayloadAvailability.Unavailable, "connection refused"));
        _node.After(2_000);
        Assert.Contains("connection refused", Assert.Single(_told).Reason, StringComparison.Ordinal);
        Assert.Equal(TestChain.HashOf(Payload), _told[0].WaitingFor);
    }

    [Fact]
    public void A_short_wait_is_not_told()
    {
        _node.Mine(TestChain.Private(TestChain.Key(1), 0, Payload));
        _node.After(9_000, SoloNode.Answer(Payload, PayloadAvailability.Here));
        _node.After(60_000);
        Assert.Empty(_told);
    }

    [Fact]
    public async Task Transactions_that_wait_for_a_block_are_measured()
    {
        var member = new MemberNode(); // without a leader
        member.After(60_000);
        Assert.Equal(0, member.Core.Progress.PendingWaitMs);
        await member.SubmitAsync(0);
        member.After(40_000);
        Assert.Equal(40_000, member.Core.Progress.PendingWaitMs);

        _node.Mine(TestChain.Public(TestChain.Key(2), 0));
        _node.After(60_000);
        Assert.Equal(0, _node.Core.Progress.PendingWaitMs);
    }
}
