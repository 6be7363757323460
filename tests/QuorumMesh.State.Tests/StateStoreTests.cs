using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;
using static QuorumMesh.State.Tests.StateRuns;

namespace QuorumMesh.State.Tests;

public class StateStoreTests
{
    private static readonly Hash256 SomeHash = Keccak.Hash([1]);
    private static readonly StateStoreOptions NodesWithEachBlock = new() { UnsavedBlocks = 0 };

    [Fact]
    public void Random_blocks_agree_with_the_model_now_and_in_history() => RandomBlocks.Blocks.Sample(blocks =>
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var models = Run(blocks, store, state);
        AssertHistory(store, state, models);
        AssertHistory(store, new StateStore(store, "public"), models);
    }, iter: 100);

    [Fact]
    public void Layers_above_the_head_agree_with_the_model() => RandomBlocks.Blocks.Sample(blocks =>
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var model = new StateModel();
        var layers = new List<(StateLayer Layer, StateModel Model)>();
        var parent = state.Head;
        for (var i = 0; i < blocks.Length; i++)
        {
            var world = new WorldState(parent);
            RandomBlocks.Apply(blocks[i], world, model);
            parent = state.Extend(parent, (ulong)i, world.TakeChanges());
            Assert.Equal(model.Root(), parent.Root);
            layers.Add((parent, model.Copy()));
        }

        foreach (var (layer, then) in layers)
            then.AssertSame(layer, RandomBlocks.Addresses, RandomBlocks.Slots, $"layer {layer.Block}");
        foreach (var (layer, _) in layers)
            Flush(store, state, layer);
        AssertHistory(store, state, [.. layers.Select(l => l.Model)]);
    }, iter: 100);

    [Fact]
    public void Nothing_is_left_behind_in_the_store() => RandomBlocks.Blocks.Sample(blocks =>
    {
        var (store, direct) = (new MemoryKeyValueStore(), new MemoryKeyValueStore());
        var state = new StateStore(store, "public", NodesWithEachBlock);
        Run(blocks, store, state);

        // The same end state in one block must leave the same flat table and the same nodes.
        var fresh = new StateStore(direct, "public");
        var model = new StateModel();
        var world = new WorldState(fresh.Head);
        foreach (var block in blocks)
            RandomBlocks.Apply(block, world, model);
        Flush(direct, fresh, fresh.Extend(fresh.Head, 0, world.TakeChanges()));
        foreach (var kind in "asnm")
        {
            byte[] prefix = [.. "Spublic\0"u8, (byte)kind];
            Assert.Equal(direct.Scan(prefix).Select(e => Hex.ToHex(e.Key)), store.Scan(prefix).Select(e => Hex.ToHex(e.Key)));
        }
    }, iter: 100);

    [Fact]
    public void Stored_nodes_of_an_earlier_block_lead_to_the_head() =>
        Gen.Select(RandomBlocks.Blocks, Gen.Int[0, 6], Gen.Int[0, 40], Gen.Int[0, 1000])
        .Sample((blocks, unsavedBlocks, unsavedKeys, seed) =>
    {
        var store = new MemoryKeyValueStore();
        // So small that nodes are let go and loaded again all the time.
        var options = new StateStoreOptions
        {
            UnsavedBlocks = (ulong)unsavedBlocks,
            UnsavedKeys = unsavedKeys,
            NodeCacheBytes = 2_000,
            FlatCacheEntries = 3
        };
        var state = new StateStore(store, "public", options);
        var models = new List<StateModel>();
        var model = new StateModel();
        for (var i = 0; i < blocks.Length; i++)
        {
            if ((seed + i) % 4 == 0) state = new StateStore(store, "public", options);
            var world = new WorldState(state.Head);
            RandomBlocks.Apply(blocks[i], world, model);
            var layer = state.Extend(state.Head, (ulong)i, world.TakeChanges());
            Assert.Equal(model.Root(), layer.Root);
            Flush(store, state, layer);
            models.Add(model.Copy());
            Assert.Empty(StateVerifier.Verify(store, "public"));
            var batch = new KeyValueBatch();
            if (i > 3) state.Prune((ulong)i - 3, batch, 20);
            store.Write(batch, sync: false);
        }

        AssertHistory(store, state, models);
        AssertHistory(store, new StateStore(store, "public", options), models);
    }, iter: 100);

    [Fact]
    public void Pruned_blocks_are_refused_and_kept_ones_stay() =>
        Gen.Select(RandomBlocks.Blocks, Gen.Int[0, 13], Gen.Int[1, 30]).Sample((blocks, keep, maxKeys) =>
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public", NodesWithEachBlock);
        var models = Run(blocks, store, state);
        var keepFrom = Math.Min(keep, blocks.Length - 1);
        var calls = 0;
        bool more;
        do
        {
            Assert.True(++calls < 2000, "pruning does not end");
            var batch = new KeyValueBatch();
            more = state.Prune((ulong)keepFrom, batch, maxKeys);
            store.Write(batch, sync: false);
            AssertHistory(store, state, models);
        }
        while (more);
        Assert.Equal((ulong)keepFrom, state.OldestBlock);
        Assert.All(store.Scan([.. "Spublic\0A"u8]), e => Assert.True(StateKeys.BlockOf(e.Key) > (ulong)keepFrom));
        Assert.All(store.Scan([.. "Spublic\0D"u8]), e => Assert.True(StateKeys.BlockOf(e.Key) > (ulong)keepFrom));
        AssertHistory(store, new StateStore(store, "public"), models);
    }, iter: 100);

    // A block that is much larger than what a block may drop is dropped in parts, each at least an eighth of what is left.
    [Fact]
    public void Large_blocks_are_dropped_in_few_parts()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public", new StateStoreOptions { UnsavedBlocks = 0 });
        foreach (var (block, keys) in new[] { (0ul, 1u), (1ul, 40_000u), (2ul, 1u) })
        {
            var world = new WorldState(state.Head);
            for (uint i = 1; i <= keys; i++) world.AddBalance(Address.FromWord(i), 1u);
            Flush(store, state, state.Extend(state.Head, block, world.TakeChanges()));
        }

        var calls = 0;
        bool more;
        do
        {
            var batch = new KeyValueBatch();
            more = state.Prune(2, batch, 1_000);
            Assert.InRange(batch.Count, 1, 5_010);
            store.Write(batch, sync: false);
            calls++;
        }
        while (more);
        Assert.InRange(calls, 8, 40);
        Assert.Equal(2ul, state.OldestBlock);
        Assert.Empty(store.Scan([.. "Spublic\0A"u8]));
    }

    [Fact]
    public void Rewind_gives_the_earlier_state_back() => Gen.Select(RandomBlocks.Blocks, Gen.Int[0, 12]).Sample((blocks, target) =>
    {
        if (blocks.Length < 2) return;
        var to = (ulong)Math.Min(target, blocks.Length - 2);
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var models = Run(blocks, store, state);
        var batch = new KeyValueBatch();
        var layer = state.Rewind(to, batch);
        store.Write(batch, sync: true);
        state.Advance(layer);

        models.RemoveRange((int)to + 1, models.Count - (int)to - 1);
        AssertHistory(store, state, models);
        var model = models[^1].Copy();
        var world = new WorldState(state.Head);
        RandomBlocks.Apply(blocks[^1], world, model);
        Flush(store, state, state.Extend(state.Head, to + 1, world.TakeChanges()));
        models.Add(model);
        AssertHistory(store, new StateStore(store, "public"), models);
    }, iter: 100);

    [Fact]
    public void Public_and_private_share_a_store_without_mixing()
    {
        var store = new MemoryKeyValueStore();
        var (open, closed) = (new StateStore(store, "public"), new StateStore(store, "private"));
        var address = RandomBlocks.Addresses[0];
        AddBalance(store, open, 0, address, 5);
        AddBalance(store, closed, 0, address, 9);
        Assert.Equal((UInt256)5, new StateStore(store, "public").Head.GetAccount(address)!.Value.Balance);
        Assert.Equal((UInt256)9, new StateStore(store, "private").Head.GetAccount(address)!.Value.Balance);
    }

    [Fact]
    public void A_batch_that_was_never_written_changes_nothing()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var address = RandomBlocks.Addresses[0];
        AddBalance(store, state, 0, address, 5);
        var root = state.Head.Root;

        var world = new WorldState(state.Head);
        world.AddBalance(address, 7u);
        state.Flush(state.Extend(state.Head, 1, world.TakeChanges()), SomeHash, new KeyValueBatch());
        Assert.Equal(root, state.Head.Root);

        var reopened = new StateStore(store, "public");
        Assert.Equal((0ul, root), (reopened.Head.Block, reopened.Head.Root));
        AddBalance(store, reopened, 1, address, 7);
        Assert.Equal((UInt256)12, reopened.Head.GetAccount(address)!.Value.Balance);
    }

    [Fact]
    public void A_superseded_branch_is_refused()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var address = RandomBlocks.Addresses[0];
        AddBalance(store, state, 0, address, 5);
        var old = state.Head;
        var loser = state.Extend(old, 1, new StateChangeSet());
        AddBalance(store, state, 1, address, 1);
        Assert.Throws<StateUnavailableException>(() => loser.GetAccount(address));
        Assert.Throws<StateUnavailableException>(() => old.GetAccount(address));
        Assert.Throws<StateUnavailableException>(() => state.Extend(loser, 2, new StateChangeSet()));
        Assert.Throws<InvalidOperationException>(() => state.Flush(loser, SomeHash, new KeyValueBatch()));
        Assert.Throws<ArgumentException>(() => state.Extend(state.Head, 3, new StateChangeSet()));
    }

    [Fact]
    public void Readers_keep_their_snapshot_while_the_writer_goes_on()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var address = RandomBlocks.Addresses[0];
        AddBalance(store, state, 0, address, 5);
        using var snapshot = store.Snapshot();
        AddBalance(store, state, 1, address, 1);
        Assert.Equal((UInt256)5, state.At(snapshot, 0).GetAccount(address)!.Value.Balance);
        Assert.Throws<StateUnavailableException>(() => state.At(snapshot, 1));
        Assert.Equal((UInt256)6, state.At(store, 1).GetAccount(address)!.Value.Balance);
        Assert.Equal(0ul, state.HeadOf(snapshot)!.Value.Block);
        Assert.Equal(1ul, state.HeadOf(store)!.Value.Block);
    }

    private static void AddBalance(IKeyValueStore store, StateStore state, ulong block, Address address, int amount)
    {
        var world = new WorldState(state.Head);
        world.AddBalance(address, (UInt256)amount);
        Flush(store, state, state.Extend(state.Head, block, world.TakeChanges()));
    }
}
