using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Behind a manager that does not tell of late payloads, as a Tessera does not.</summary>
public sealed class LatePayloadLookoutTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] Call = TestChain.CallPayload(5);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);

    [Fact]
    public async Task A_payload_that_came_late_is_found_and_its_block_run_again()
    {
        var node = Chain();
        var manager = new Manager { Knows = { TestChain.HashOf(Call) } };
        var look = await Lookout(node, manager).LookAsync(LatePayloadLookout.Blocks, pauses: false, default);
        Assert.Equal(new LateLook(1, 1, null), look);
        Assert.Equal(1ul, node.PrivateHead);
        node.Step(SoloNode.Answer(Call, PayloadAvailability.Here));
        Assert.Equal(node.Head, node.PrivateHead);
        Assert.Equal((UInt256)5, node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));

        // Once it was run it is asked for no more.
        Assert.Equal(new LateLook(0, 0, null), await Lookout(node, manager).LookAsync(LatePayloadLookout.Blocks, pauses: false, default));
    }

    [Fact]
    public async Task Only_so_many_of_the_last_blocks_are_looked_through()
    {
        var node = Chain();
        var manager = new Manager { Knows = { TestChain.HashOf(Call) } };
        Assert.Equal(new LateLook(0, 0, null), await Lookout(node, manager).LookAsync(3, pauses: false, default));
        Assert.Equal(0, manager.Asked);
        Assert.Equal(1, (await Lookout(node, manager).LookAsync(4, pauses: false, default)).Found);
    }

    [Fact]
    public async Task A_manager_that_is_away_is_not_asked_on()
    {
        var node = Chain();
        var look = await Lookout(node, new Manager { Problem = "down" }).LookAsync(LatePayloadLookout.Blocks, pauses: false, default);
        Assert.Equal(new LateLook(0, 0, "down"), look);
        Assert.Equal(node.Head, node.PrivateHead);
    }

    /// <summary>The chain is never read then: not even a block that is missing is noticed.</summary>
    [Fact]
    public async Task Without_a_skipped_payload_no_block_is_looked_at()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var manager = new Manager();
        Assert.Equal(new LateLook(0, 0, null), await Lookout(node, manager).LookAsync(ulong.MaxValue, pauses: false, cancelled.Token));
        Assert.Equal(0, manager.Asked);
    }

    [Fact]
    public async Task A_look_through_many_blocks_ends_when_its_caller_goes()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var manager = new Manager();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Lookout(Chain(), manager).LookAsync(ulong.MaxValue, pauses: false, cancelled.Token));
        Assert.Equal(0, manager.Asked);
    }

    [Fact]
    public async Task While_one_looks_another_is_told_so()
    {
        var manager = new Manager { Held = new TaskCompletionSource() };
        var lookout = Lookout(Chain(), manager);
        var first = lookout.LookAsync(LatePayloadLookout.Blocks, pauses: false, default);
        Assert.Equal("another look is under way", (await lookout.LookAsync(1, pauses: false, default)).Problem);
        Assert.Equal(1, manager.Asked);
        manager.Held.SetResult();
        Assert.Equal(new LateLook(1, 0, null), await first);
        Assert.Equal(new LateLook(1, 0, null), await lookout.LookAsync(LatePayloadLookout.Blocks, pauses: false, default));
    }

    /// <summary>No block names it: the note of the block's run does.</summary>
    [Fact]
    public async Task That_of_a_transaction_in_a_marker_is_found_too()
    {
        var node = new SoloNode(MarkedPayloadTests.Genesis);
        var marked = TransactionText.Encode(TestChain.Private(Key, 1, Call, Contract));
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(Call, PayloadAvailability.NotAParty),
            SoloNode.Answer(marked, PayloadAvailability.Here));
        node.Mine(TestChain.Private(Key, 0, Creation));
        node.Mine(MarkedPayloadTests.Marker(1, marked));
        Assert.Equal((2ul, 2ul), (node.Head, node.PrivateHead));
        var manager = new Manager { Knows = { TestChain.HashOf(Call) } };
        Assert.Equal(new LateLook(1, 1, null), await Lookout(node, manager).LookAsync(LatePayloadLookout.Blocks, pauses: false, default));
        Assert.Equal(1ul, node.PrivateHead);
        node.Step(SoloNode.Answer(Call, PayloadAvailability.Here), SoloNode.Answer(marked, PayloadAvailability.Here));
        Assert.Equal((UInt256)5, node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
        Assert.Equal(new LateLook(0, 0, null), await Lookout(node, manager).LookAsync(LatePayloadLookout.Blocks, pauses: false, default));
    }

    private static LatePayloadLookout Lookout(SoloNode node, Manager manager) => new(manager, node.Stores, input =>
    {
        node.Step(input);
        return true;
    }, TimeProvider.System);

    /// <summary>A creation, a call that the manager did not know, and three public blocks.</summary>
    private static SoloNode Chain()
    {
        var node = new SoloNode();
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(Call, PayloadAvailability.NotAParty));
        node.Mine(TestChain.Private(Key, 0, Creation));
        node.Mine(TestChain.Private(Key, 1, Call, Contract));
        for (var nonce = 2ul; nonce < 5; nonce++) node.Mine(TestChain.Public(Key, nonce));
        Assert.Equal((5ul, 5ul), (node.Head, node.PrivateHead));
        return node;
    }

    private sealed class Manager : ITransactionManager
    {
        public HashSet<PayloadHash> Knows { get; } = [];

        public string? Problem { get; init; }

        /// <summary>What its answers wait for.</summary>
        public TaskCompletionSource? Held { get; init; }

        public int Asked { get; private set; }

        public bool Enabled => true;

        public bool TellsOfLatePayloads => false;

        public async Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation)
        {
            Asked += hashes.Count;
            if (Held is not null) await Held.Task;
            return [.. hashes.Select(hash => Problem is not null
                ? PayloadAnswer.Unavailable(hash, Problem)
                : Knows.Contains(hash) ? PayloadAnswer.Here(hash, Call) : PayloadAnswer.NotAParty(hash))];
        }

        public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task SendSignedAsync(
            PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, CancellationToken cancellation) =>
            throw new NotSupportedException();
    }
}
