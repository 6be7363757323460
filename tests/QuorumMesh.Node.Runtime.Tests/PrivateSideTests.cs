using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class PrivateSideTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] FirstCall = TestChain.CallPayload(5);
    private static readonly byte[] SecondCall = TestChain.CallPayload(6);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);

    [Fact]
    public void Payloads_that_are_here_run_with_the_block()
    {
        var node = WithEverything();
        Assert.Equal((4ul, 4ul), (node.Head, node.PrivateHead));
        Assert.Equal((UInt256)((5 * 31) + 6), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
        Assert.Null(node.Stores.Public.Head.GetAccount(Contract));
    }

    [Fact]
    public void A_stranger_skips()
    {
        var node = new SoloNode();
        foreach (var payload in new[] { Creation, FirstCall, SecondCall })
            node.Step(SoloNode.Answer(payload, PayloadAvailability.NotAParty));
        Send(node);
        Assert.Equal((4ul, 4ul), (node.Head, node.PrivateHead));
        // What GoQuorum leaves at a stranger: an account without code or storage.
        var ghost = node.Stores.Private.Head.GetAccount(Contract)!.Value;
        Assert.Equal((Hash256.EmptyCode, Hash256.EmptyTrie), (ghost.CodeHash, ghost.StorageRoot));
    }

    [Theory]
    [InlineData(PayloadAvailability.Missing, "no longer has", 10_000)]
    [InlineData(PayloadAvailability.Unavailable, "not available", 1_000)]
    public void Without_an_answer_the_public_head_goes_on_and_the_private_one_waits_with_a_reason(PayloadAvailability availability,
        string reason, long retry)
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        var asked = Send(node);
        Assert.Equal((4ul, 1ul), (node.Head, node.PrivateHead));
        Assert.Contains(TestChain.HashOf(FirstCall), asked);

        var waiting = node.Step(SoloNode.Answer(FirstCall, availability, "it is down"));
        Assert.Empty(waiting.FetchPayloads);
        Assert.Equal(node.Now + retry, waiting.WakeAt);
        var status = node.Core.PrivateStatus;
        Assert.Equal((1ul, TestChain.HashOf(FirstCall)), (status.Block, status.WaitingFor!.Value));
        Assert.Contains(reason, status.Reason, StringComparison.Ordinal);

        Assert.Empty(node.After(retry - 1).FetchPayloads);
        Assert.Contains(TestChain.HashOf(FirstCall), node.After(1).FetchPayloads);
        node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        Assert.Equal(4ul, node.PrivateHead);
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
        Assert.Null(node.Core.PrivateStatus.WaitingFor);
    }

    [Fact]
    public void A_payload_that_arrives_late_undoes_its_skip()
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(FirstCall, PayloadAvailability.NotAParty),
            SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        Send(node);
        Assert.Equal(4ul, node.PrivateHead);
        Assert.NotEqual(WithEverything().PrivateRoot, node.PrivateRoot);

        var effects = node.Step(SoloNode.Arrived(FirstCall, sequence: 9));
        Assert.Equal((4ul, 1ul), (node.Head, node.PrivateHead));
        Assert.Contains(TestChain.HashOf(FirstCall), effects.FetchPayloads);
        node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        Assert.Equal(4ul, node.PrivateHead);
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
        Assert.Equal(9, node.Core.WatchAfter);

        // Told again, as after a restart of the manager: nothing is to be done.
        node.Step(SoloNode.Arrived(FirstCall, sequence: 10));
        Assert.Equal(4ul, node.PrivateHead);
    }

    [Fact]
    public void A_later_answer_here_undoes_a_skip_too()
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(FirstCall, PayloadAvailability.NotAParty),
            SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        Send(node);
        node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        node.Step();
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
    }

    [Fact]
    public void A_late_payload_is_run_even_when_the_public_states_of_its_time_are_gone()
    {
        var node = new SoloNode(keptPublicBlocks: 3);
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(FirstCall, PayloadAvailability.NotAParty),
            SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        Send(node);
        for (var nonce = 4ul; nonce < 60; nonce++) node.Mine(TestChain.Public(Key, nonce));
        Assert.True(node.Stores.Public.OldestBlock > 50);

        node.Step(SoloNode.Arrived(FirstCall), SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        // A restart in the middle of it changes nothing.
        node.Start();
        for (var pass = 0; pass < 20 && node.PrivateHead < node.Head; pass++)
            node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Here), SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        Assert.Equal((60ul, 60ul), (node.Head, node.PrivateHead));
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
    }

    [Fact]
    public void No_public_state_is_dropped_that_the_waiting_private_head_needs()
    {
        var node = new SoloNode(keptPublicBlocks: 3);
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        Send(node);
        for (var nonce = 4ul; nonce < 30; nonce++) node.Mine(TestChain.Public(Key, nonce));
        Assert.Equal((30ul, 1ul), (node.Head, node.PrivateHead));
        Assert.InRange(node.Stores.Public.OldestBlock, 0ul, 1ul);
        using (var snapshot = node.Store.Snapshot())
            Assert.Equal(1ul, node.Stores.Public.At(snapshot, 1).GetAccount(TestChain.AddressOf(Key))!.Value.Nonce);

        node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        Assert.Equal((30ul, 30ul), (node.Head, node.PrivateHead));
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
        for (var nonce = 30ul; nonce < 34; nonce++) node.Mine(TestChain.Public(Key, nonce));
        Assert.InRange(node.Stores.Public.OldestBlock, 25ul, 31ul);
    }

    [Fact]
    public void An_answer_that_was_under_way_when_the_payload_arrived_is_out_of_date()
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(SecondCall, PayloadAvailability.Here));
        Send(node);
        node.Step(SoloNode.Arrived(FirstCall));
        var effects = node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.NotAParty));
        Assert.Equal(1ul, node.PrivateHead);
        Assert.Contains(TestChain.HashOf(FirstCall), effects.FetchPayloads);
        node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
    }

    [Fact]
    public void A_restart_asks_again_and_goes_on_from_its_private_head()
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here));
        Send(node);
        node.Start();
        Assert.Equal((4ul, 1ul), (node.Head, node.PrivateHead));
        node.Step(SoloNode.Answer(SecondCall, PayloadAvailability.Here), SoloNode.Answer(FirstCall, PayloadAvailability.Here));
        Assert.Equal(WithEverything().PrivateRoot, node.PrivateRoot);
    }

    [Fact]
    public void Payloads_are_asked_for_when_their_transaction_reaches_the_pool()
    {
        var node = new SoloNode();
        // Behind a nonce gap: no block can take it yet.
        var early = node.Step(node.Local(TestChain.Private(Key, 7, FirstCall, Contract)).Input);
        Assert.Contains(TestChain.HashOf(FirstCall), early.FetchPayloads);
        Assert.Empty(node.After(SoloNode.BlockTime, node.Local(TestChain.Private(Key, 8, FirstCall, Contract)).Input).FetchPayloads);
    }

    [Fact]
    public void Private_data_that_is_no_payload_hash_is_nobodys()
    {
        var node = new SoloNode();
        node.Mine(TransactionSigner.SignPrivate(new Transaction { GasLimit = 100_000, To = Contract, Data = [1, 2, 3] }, Key));
        Assert.Equal((1ul, 1ul), (node.Head, node.PrivateHead));
    }

    [Fact]
    public void Logs_and_reads_follow_the_head_they_belong_to()
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here));
        Send(node);
        node.Step(SoloNode.Answer(FirstCall, PayloadAvailability.Missing));
        using var view = new NodeView(node.Stores, node.Core.PrivateStatus);
        Assert.Equal((4ul, 1ul), (view.Head, view.PrivateHead));
        view.PrivateState(1);
        view.PublicState(4);
        var behind = Assert.Throws<PrivateStateBehindException>(() => view.PrivateState(2));
        Assert.Equal((2ul, TestChain.HashOf(FirstCall)), (behind.Block, behind.Payload!.Value));
        Assert.Contains("no longer has", behind.Message, StringComparison.Ordinal);
        Assert.Throws<PrivateStateBehindException>(() => view.PrivateReceipts(3, view.Header(3)!.Hash));
        Assert.Throws<PrivateStateBehindException>(() => view.MergedReceipts(view.Block(view.HeadHash)!));
        Assert.Throws<PrivateStateBehindException>(() => view.PrivateRoot(4));
        Assert.Throws<PrivateStateBehindException>(() => view.Accounts(ofPrivate: true, 4));
        Assert.NotEmpty(view.Accounts(ofPrivate: false, 4));
    }

    /// <summary>Creation, call, a public one, call: four blocks.</summary>
    private static HashSet<PayloadHash> Send(SoloNode node)
    {
        var asked = new HashSet<PayloadHash>();
        asked.UnionWith(node.Mine(TestChain.Private(Key, 0, Creation)).FetchPayloads);
        asked.UnionWith(node.Mine(TestChain.Private(Key, 1, FirstCall, Contract)).FetchPayloads);
        asked.UnionWith(node.Mine(TestChain.Public(Key, 2)).FetchPayloads);
        asked.UnionWith(node.Mine(TestChain.Private(Key, 3, SecondCall, Contract)).FetchPayloads);
        return asked;
    }

    private static SoloNode WithEverything()
    {
        var node = new SoloNode();
        foreach (var payload in new[] { Creation, FirstCall, SecondCall }) node.Step(SoloNode.Answer(payload, PayloadAvailability.Here));
        Send(node);
        return node;
    }
}
