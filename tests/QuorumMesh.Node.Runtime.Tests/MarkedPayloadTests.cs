using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// Payloads behind privacy markers: asked for, waited for, taken back and found again as those of other private transactions, whether the
/// marker's or that of the transaction in it comes late.
/// </summary>
public sealed class MarkedPayloadTests
{
    /// <summary>The small chain's, with markers from its first block on.</summary>
    internal static readonly byte[] Genesis = Encoding.UTF8.GetBytes(
        Encoding.UTF8.GetString(TestChain.Genesis).Replace("\"isQuorum\": true", "\"isQuorum\": true, \"privacyPrecompileBlock\": 0",
            StringComparison.Ordinal));

    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] Call = TestChain.CallPayload(5);
    private static readonly byte[] MarkedCreation = TransactionText.Encode(TestChain.Private(Key, 0, Creation));
    private static readonly byte[] MarkedCall = TransactionText.Encode(TestChain.Private(Key, 1, Call, Contract));

    [Fact]
    public void Payloads_are_asked_for_from_the_pool_on_and_the_block_runs_whole()
    {
        var node = new SoloNode(Genesis);
        // Behind a nonce gap: no block can take it yet.
        Assert.Contains(TestChain.HashOf(MarkedCall), node.Step(node.Local(Marker(1, MarkedCall)).Input).FetchPayloads);
        var asked = node.Step(Here(MarkedCall));
        Assert.Contains(TestChain.HashOf(Call), asked.FetchPayloads);
        node.Step(Here(MarkedCreation), Here(Creation), Here(Call));
        node.Mine(Marker(0, MarkedCreation));
        node.After(SoloNode.BlockTime);
        Assert.Equal((UInt256)5u, node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
    }

    [Fact]
    public void The_private_head_waits_for_the_payload_in_the_marker_and_a_restart_asks_for_both_again()
    {
        var node = new SoloNode(Genesis);
        Send(node);
        Assert.Equal((2ul, 0ul), (node.Head, node.PrivateHead));
        Assert.Equal(TestChain.HashOf(MarkedCreation), node.Core.PrivateStatus.WaitingFor);
        var inner = node.Step(Here(MarkedCreation), Here(MarkedCall));
        Assert.Equal(TestChain.HashOf(Creation), node.Core.PrivateStatus.WaitingFor);
        // Both inner ones: the second is known from its marker's payload before its block is reached.
        Assert.Equal(new[] { TestChain.HashOf(Call), TestChain.HashOf(Creation) }.Order(), inner.FetchPayloads.Order());

        node.Start();
        Assert.Equal((2ul, 0ul), (node.Head, node.PrivateHead));
        Assert.Contains(TestChain.HashOf(MarkedCreation), node.Started.FetchPayloads);
        node.Step(Here(Creation), Here(Call));
        Assert.Equal(0ul, node.PrivateHead);
        node.Step(Here(MarkedCreation), Here(MarkedCall));
        Assert.Equal(2ul, node.PrivateHead);
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_payload_that_arrives_late_undoes_its_skip(bool isMarkers)
    {
        var (late, others) = isMarkers ? (MarkedCreation, new[] { Creation, MarkedCall, Call })
            : (Creation, new[] { MarkedCreation, MarkedCall, Call });
        var node = new SoloNode(Genesis);
        node.Step([SoloNode.Answer(late, PayloadAvailability.NotAParty), .. others.Select(Here)]);
        Send(node);
        Assert.Equal((2ul, 2ul), (node.Head, node.PrivateHead));
        Assert.NotEqual(WithEverything().PrivateRoot, node.PrivateRoot);
        // In another life of the node, whose memory is empty.
        node.Start();
        node.Step(SoloNode.Arrived(late, sequence: 9));
        Assert.Equal(0ul, node.PrivateHead);
        node.Step([Here(late), .. others.Select(Here)]);
        node.Step([Here(late), .. others.Select(Here)]);
        Assert.Equal(2ul, node.PrivateHead);
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
        Assert.False(SkippedPayloads.Any(node.Store));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Data_that_is_cropped_to_a_name_is_found_again_when_its_payload_comes_late(bool isMarked)
    {
        var node = new SoloNode(Genesis);
        var named = TransactionSigner.SignPrivate(
            new Transaction { GasLimit = 400_000, Data = [7, .. TestChain.HashOf(Creation).ToArray()] }, Key);
        var text = TransactionText.Encode(named);
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.NotAParty), Here(text));
        node.Mine(isMarked ? Marker(0, text) : named);
        Assert.Equal((1ul, 1ul), (node.Head, node.PrivateHead));
        Assert.Equal(Hash256.EmptyCode, node.Stores.Private.Head.GetAccount(Contract)!.Value.CodeHash);
        Assert.Empty(ChainVerifier.Verify(node.Store));
        node.Start();
        node.Step(SoloNode.Arrived(Creation, sequence: 9));
        Assert.Equal(0ul, node.PrivateHead);
        node.Step(Here(text), Here(Creation));
        node.Step(Here(text), Here(Creation));
        Assert.Equal(1ul, node.PrivateHead);
        Assert.NotEqual(Hash256.EmptyCode, node.Stores.Private.Head.GetAccount(Contract)!.Value.CodeHash);
        Assert.False(SkippedPayloads.Any(node.Store));
    }

    [Fact]
    public void The_operators_way_back_runs_markers_again()
    {
        var node = WithEverything();
        var root = node.PrivateRoot;
        Assert.Equal(0ul, node.Core.RewindPrivate(0));
        Assert.Equal(0ul, node.PrivateHead);
        foreach (var _ in Enumerable.Range(0, 3)) node.Step(Here(MarkedCreation), Here(MarkedCall), Here(Creation), Here(Call));
        Assert.Equal((2ul, root), (node.PrivateHead, node.PrivateRoot));
    }

    [Fact]
    public void A_marker_that_runs_nothing_is_told_of_in_the_log()
    {
        var node = new SoloNode(Genesis);
        var notices = new List<string>();
        node.Events.Noticed += notice => notices.Add(notice.Text);
        var wrong = TransactionText.Encode(TestChain.Private(Key, 7, Creation));
        node.Step(Here(wrong), Here(Creation));
        node.Mine(Marker(0, wrong));
        Assert.Equal((1ul, 1ul), (node.Head, node.PrivateHead));
        Assert.Contains(notices, n => n.Contains("is a privacy marker that runs nothing", StringComparison.Ordinal)
            && n.Contains("has the nonce 7, the marker 0", StringComparison.Ordinal));
    }

    private static NodeInput Here(byte[] payload) => SoloNode.Answer(payload, PayloadAvailability.Here);

    internal static Transaction Marker(ulong nonce, byte[] payload) => TransactionSigner.Sign(
        new Transaction { Nonce = nonce, GasLimit = 40_000, To = PrivacyMarker.Address, Data = TestChain.HashOf(payload).ToArray() },
        Key, 10u);

    /// <summary>A block for each.</summary>
    private static void Send(SoloNode node)
    {
        node.Mine(Marker(0, MarkedCreation));
        node.Mine(Marker(1, MarkedCall));
    }

    private static SoloNode WithEverything()
    {
        var node = new SoloNode(Genesis);
        node.Step(Here(MarkedCreation), Here(MarkedCall), Here(Creation), Here(Call));
        Send(node);
        Assert.Equal((UInt256)5u, node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
        return node;
    }
}
