using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class PublicReplayTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly Address Sender = TestChain.AddressOf(Key);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] Call = TestChain.CallPayload(5);
    private static readonly Address Contract = Address.ForCreate(Sender, 0);
    private static readonly StateStoreOptions Small = new() { FlatCacheEntries = 100, NodeCacheBytes = 32 << 10, UnsavedBlocks = 8 };

    [Fact]
    public void What_is_held_and_stored_does_not_grow_with_the_history()
    {
        var node = Chain(1_200);
        var replay = new PublicReplay(node.Stores, Small);
        long mostBytes = 0;
        var mostDiffs = 0;
        node.Store.Written = (_, _) =>
        {
            var (accounts, slots, bytes) = replay.Held;
            Assert.InRange(accounts, 0, Small.FlatCacheEntries);
            Assert.InRange(slots, 0, Small.FlatCacheEntries);
            mostBytes = Math.Max(mostBytes, bytes);
            mostDiffs = Math.Max(mostDiffs, Rows(node, "A") + Rows(node, "b"));
        };
        Assert.Equal(1_190ul, NonceAt(replay, 1_190));
        Assert.True(Rows(node, "a") > 1_180, "every block made an account");
        // Nodes of one account alone take more than a hundred bytes.
        Assert.InRange(mostBytes, 1, 2 * Small.NodeCacheBytes);
        // Three accounts and a record for each block behind the head whose nodes are not stored.
        Assert.InRange(mostDiffs, 1, 4 * (int)(Small.UnsavedBlocks + 4));

        for (var parts = 0; Rows(node) > 0; parts++)
        {
            Assert.True(parts < 10, "it is not erased");
            var batch = new KeyValueBatch();
            replay.Release(batch);
            node.Store.Write(batch, sync: false);
        }
        Assert.Equal(0, replay.Held.Accounts);
    }

    [Fact]
    public void States_from_the_first_one_asked_for_stay_and_an_older_one_is_made_anew()
    {
        var node = Chain(500);
        var replay = new PublicReplay(node.Stores, Small);
        Assert.Equal(200ul, NonceAt(replay, 200));
        Assert.Equal(480ul, NonceAt(replay, 480));
        Assert.Equal(200ul, replay.StateAfter(200)?.GetAccount(Sender)!.Value.Nonce);
        Assert.Equal(321ul, replay.StateAfter(321)?.GetAccount(Sender)!.Value.Nonce);
        Assert.Null(replay.StateAfter(100));
        Assert.Equal(100ul, NonceAt(replay, 100));
        Assert.Equal(480ul, NonceAt(replay, 480));
        Assert.Empty(StateVerifier.Verify(node.Store, ChainStore.ReplayStateId));
    }

    [Fact]
    public void A_restart_goes_on_where_it_was()
    {
        var node = Chain(500);
        Assert.Equal(300ul, NonceAt(new PublicReplay(node.Stores, Small), 300));
        Assert.Equal(320ul, new PublicReplay(node.Stores, Small).StateAfter(320)?.GetAccount(Sender)!.Value.Nonce);
        Assert.Null(new PublicReplay(node.Stores, Small).StateAfter(150));
    }

    [Fact]
    public void What_was_erased_in_part_is_never_gone_on_from()
    {
        var node = Chain(100);
        Assert.Equal(90ul, NonceAt(new PublicReplay(node.Stores, Small), 90));
        var batch = new KeyValueBatch();
        Assert.NotNull(StateStore.Erase(node.Store, ChainStore.ReplayStateId, null, batch, maxKeys: 50));
        node.Store.Write(batch, sync: false);
        Assert.True(Rows(node) > 50);

        Assert.Equal(90ul, NonceAt(new PublicReplay(node.Stores, Small), 90));
        Assert.Empty(StateVerifier.Verify(node.Store, ChainStore.ReplayStateId));
    }

    [Fact]
    public void A_step_is_bounded_and_the_node_erases_what_it_no_longer_needs()
    {
        var node = Chain(400, callAt: 300);
        node.Step(SoloNode.Arrived(Call), SoloNode.Answer(Call, PayloadAvailability.Here));
        var (steps, mostRows) = (0, 0);
        for (var height = 0ul; node.PrivateHead <= 300; steps++)
        {
            Assert.True(steps < 100, "it does not come on");
            Assert.InRange(Height(node), height, height + 100);
            height = Height(node);
            mostRows = Math.Max(mostRows, Rows(node));
            node.Step(Payloads());
        }
        Assert.True(steps > 1);
        Assert.True(mostRows > 0);
        for (var pass = 0; pass < 100 && node.PrivateHead < node.Head; pass++) node.Step(Payloads());
        Assert.Equal(node.Head, node.PrivateHead);
        Assert.Equal(Chain(310, knowsCall: true, callAt: 300).PrivateRoot, node.PrivateRoot);
        node.Mine(TestChain.Public(Key, 400));
        Assert.Equal(0, Rows(node));
    }

    [Fact]
    public void A_long_way_back_is_gone_in_parts_and_a_restart_between_them_loses_nothing()
    {
        var node = Chain(1_500);
        node.Core.Begin(new NodeTime(0, node.Now));
        node.Core.Handle(SoloNode.Arrived(Call, sequence: 7));
        Assert.Equal(1_500ul - 1_024, node.PrivateHead);
        node.Start();
        // It goes on by itself; that the stream tells of it again is as well.
        Assert.Equal((0L, 1ul), (node.Core.WatchAfter, node.PrivateHead));

        node.Step(SoloNode.Arrived(Call, sequence: 7), SoloNode.Answer(Call, PayloadAvailability.Here));
        for (var pass = 0; pass < 300 && (node.PrivateHead < node.Head || node.Core.WatchAfter == 0); pass++) node.Step(Payloads());
        Assert.Equal(node.Head, node.PrivateHead);
        Assert.Equal(7, node.Core.WatchAfter);
        Assert.Equal(Chain(10, knowsCall: true).PrivateRoot, node.PrivateRoot);
    }

    private static ulong NonceAt(PublicReplay replay, ulong block)
    {
        for (var steps = 0; steps < 200; steps++)
            if (replay.StateAfter(block) is { } state) return state.GetAccount(Sender)!.Value.Nonce;
        return ulong.MaxValue;
    }

    private static NodeInput[] Payloads() =>
        [SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(Call, PayloadAvailability.Here)];

    /// <summary>
    /// A private creation, a call to it that is taken for foreign, then public blocks that each make an account; few public
    /// states are kept.
    /// </summary>
    private static SoloNode Chain(int blocks, bool knowsCall = false, ulong callAt = 1)
    {
        var node = new SoloNode(keptPublicBlocks: 3);
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here),
            SoloNode.Answer(Call, knowsCall ? PayloadAvailability.Here : PayloadAvailability.NotAParty));
        node.Mine(TestChain.Private(Key, 0, Creation));
        for (var nonce = 1ul; nonce < (ulong)blocks; nonce++)
        {
            node.Mine(nonce == callAt
                ? TestChain.Private(Key, nonce, Call, Contract)
                : TransactionSigner.Sign(new Transaction { Nonce = nonce, GasLimit = 100_000 }, Key, 10u));
        }
        Assert.Equal(((ulong)blocks, (ulong)blocks), (node.Head, node.PrivateHead));
        return node;
    }

    private static ulong Height(SoloNode node) => new StateStore(node.Store, ChainStore.ReplayStateId).Head.Block;

    private static int Rows(SoloNode node, string kind = "") =>
        node.Store.Scan(System.Text.Encoding.ASCII.GetBytes("Sreplay\0" + kind)).Count();
}
