using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What reverted transactions returned, kept beside their receipts where the node is told to.</summary>
public sealed class RevertReasonTests
{
    private static readonly byte[] Key = TestChain.Key(1);

    /// <summary>Init code: MSTORE(0, 0xaa), REVERT(0, 32).</summary>
    private static readonly byte[] Reverts = Hex.FromHex("60aa60005260206000fd");

    /// <summary>Init code: REVERT(0, 0).</summary>
    private static readonly byte[] RevertsInSilence = Hex.FromHex("60006000fd");

    private static readonly byte[] Reason = ((UInt256)0xaau).ToBigEndian();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_reason_is_in_the_receipt_where_it_is_kept_and_the_block_is_the_same(bool keeps)
    {
        var node = Node(keeps);
        node.Step(SoloNode.Answer(Reverts, PayloadAvailability.Here));
        node.Mine(Creation(0, Reverts), Creation(1, RevertsInSilence), TestChain.Public(Key, 2), TestChain.Private(Key, 3, Reverts));
        Assert.Equal((1ul, 1ul), (node.Head, node.PrivateHead));
        AssertReasons(node, keeps ? Reason : null);

        node.KeepsRevertReasons = !keeps;
        node.Start();
        AssertReasons(node, keeps ? Reason : null);
        var other = Node(!keeps);
        other.Step(SoloNode.Answer(Reverts, PayloadAvailability.Here));
        other.Mine(Creation(0, Reverts), Creation(1, RevertsInSilence), TestChain.Public(Key, 2), TestChain.Private(Key, 3, Reverts));
        var (mine, others) = (Block(node).Header, Block(other).Header);
        Assert.Equal((mine.ReceiptsRoot, mine.StateRoot), (others.ReceiptsRoot, others.StateRoot));
        Assert.Equal(node.PrivateRoot, other.PrivateRoot);
    }

    [Fact]
    public void A_private_side_that_comes_later_keeps_it_as_well()
    {
        var node = Node(keeps: true);
        node.Mine(TestChain.Private(Key, 0, Reverts));
        Assert.Equal((1ul, 0ul), (node.Head, node.PrivateHead));
        node.Step(SoloNode.Answer(Reverts, PayloadAvailability.Here));
        for (var i = 0; node.PrivateHead < 1; i++)
        {
            Assert.True(i < 50, "the private head stands");
            node.After(SoloNode.BlockTime);
        }
        var receipt = ChainStore.GetPrivateReceipts(node.Store, ChainStore.PrivateStateId, Block(node).Hash)![0]!;
        Assert.Equal(0, receipt.Status);
        Assert.Equal(Reason, receipt.RevertReason);
    }

    private static SoloNode Node(bool keeps)
    {
        var node = new SoloNode { KeepsRevertReasons = keeps };
        node.Start();
        return node;
    }

    private static void AssertReasons(SoloNode node, byte[]? expected)
    {
        var hash = Block(node).Hash;
        var receipts = ChainStore.GetReceipts(node.Store, hash)!;
        Assert.Equal([0, 0, 1, 1], receipts.Select(r => (int)r.Status));
        Assert.Equal([expected, null, null, null], receipts.Select(r => r.RevertReason));
        var own = ChainStore.GetPrivateReceipts(node.Store, ChainStore.PrivateStateId, hash)![3]!;
        Assert.Equal(0, own.Status);
        Assert.Equal(expected, own.RevertReason);
    }

    private static Block Block(SoloNode node) => ChainStore.GetBlock(node.Store, node.Head)!;

    private static Transaction Creation(ulong nonce, byte[] code) =>
        TransactionSigner.Sign(new Transaction { Nonce = nonce, GasLimit = 200_000, Data = code }, Key, 10u);
}
