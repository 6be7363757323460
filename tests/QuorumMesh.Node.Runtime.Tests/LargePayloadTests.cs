using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Blocks whose private payloads together are larger than the payload cache.</summary>
public sealed class LargePayloadTests
{
    private const int Calls = 30;
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);
    private readonly Dictionary<PayloadHash, int> _numbers = [];
    private int _size = 25_000;

    [Fact]
    public void A_block_with_thirty_payloads_of_two_and_a_half_megabytes_runs()
    {
        _size = 2_500_000;
        var node = Sent(PayloadCache.DefaultCapacity, out var effects);
        Settle(node, effects);
        Assert.Equal(Expected(), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
    }

    [Fact]
    public void One_payload_that_is_larger_than_the_cache_runs_too()
    {
        var node = Sent(1_000, out var effects);
        Settle(node, effects);
        Assert.Equal(Expected(), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
    }

    [Fact]
    public void A_restart_in_the_middle_of_the_block_begins_it_anew()
    {
        var node = Sent(80_000, out var effects);
        for (var pass = 0; pass < 5; pass++) effects = node.Step(Answers(effects));
        Assert.Equal((2ul, 1ul), (node.Head, node.PrivateHead));
        node.Start();
        Settle(node, node.Started);
        Assert.Equal(Expected(), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
    }

    [Fact]
    public void A_payload_that_was_left_out_and_comes_before_the_block_is_at_its_end_is_run()
    {
        var node = Sent(80_000, out var effects);
        var first = TestChain.HashOf(Payload(0));
        // Not a party at first; then a few others of the block.
        for (var pass = 0; pass < 5; pass++)
            effects = node.Step([.. effects.FetchPayloads.Select(hash => hash == first
                ? SoloNode.Answer(Payload(0), PayloadAvailability.NotAParty) : Answer(hash))]);
        Assert.Equal(1ul, node.PrivateHead);
        effects = node.Step([.. Answers(effects), new NodeInput.PayloadArrived(1, first)]);
        Settle(node, effects);
        Assert.Equal(Expected(), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
    }

    [Fact]
    public void A_payload_that_was_left_out_in_a_run_of_several_steps_is_noted()
    {
        var node = Sent(80_000, out var effects);
        var first = TestChain.HashOf(Payload(0));
        for (var pass = 0; pass < 300 && node.PrivateHead < node.Head; pass++)
            effects = node.Step([.. effects.FetchPayloads.Select(hash => hash == first
                ? SoloNode.Answer(Payload(0), PayloadAvailability.NotAParty) : Answer(hash))]);
        Assert.Equal(2ul, node.PrivateHead);
        Assert.NotEqual(Expected(), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
        effects = node.Step(new NodeInput.PayloadArrived(1, first));
        Assert.Equal(1ul, node.PrivateHead);
        Settle(node, effects);
        Assert.Equal(Expected(), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
    }

    /// <summary>
    /// A contract; then its calls, mined in one block because the first nonce comes last: by then the payloads of the others were
    /// fetched, and have pushed each other out.
    /// </summary>
    private SoloNode Sent(long cacheBytes, out NodeEffects effects)
    {
        for (var i = 0; i < Calls; i++) _numbers[TestChain.HashOf(Payload(i))] = i;
        var node = new SoloNode(payloadCacheBytes: cacheBytes);
        node.Step(SoloNode.Answer(TestChain.RollingContract, PayloadAvailability.Here));
        node.Mine(TestChain.Private(Key, 0, TestChain.RollingContract));
        var ahead = node.Step([.. Enumerable.Range(1, Calls - 1)
            .Select(i => node.Local(TestChain.Private(Key, (ulong)i + 1, Payload(i), Contract)).Input)]);
        Assert.Equal(Calls - 1, ahead.FetchPayloads.Count);
        node.Step(Answers(ahead));
        effects = node.Mine(TestChain.Private(Key, 1, Payload(0), Contract));
        Assert.Equal((2ul, 1ul), (node.Head, node.PrivateHead));
        return node;
    }

    private void Settle(SoloNode node, NodeEffects effects)
    {
        for (var pass = 0; pass < 300 && node.PrivateHead < node.Head; pass++) effects = node.Step(Answers(effects));
        Assert.Equal(node.Head, node.PrivateHead);
    }

    private NodeInput[] Answers(NodeEffects effects) => [.. effects.FetchPayloads.Select(Answer)];

    private NodeInput Answer(PayloadHash hash) =>
        SoloNode.Answer(_numbers.TryGetValue(hash, out var number) ? Payload(number) : TestChain.RollingContract, PayloadAvailability.Here);

    private byte[] Payload(int number)
    {
        var payload = new byte[_size];
        TestChain.CallPayload((ulong)number + 1).CopyTo(payload, 0);
        return payload;
    }

    private static UInt256 Expected()
    {
        UInt256 state = 0u;
        for (var i = 0u; i < Calls; i++) state = (state * 31u) + (i + 1);
        return state;
    }
}
