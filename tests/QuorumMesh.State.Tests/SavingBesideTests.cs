using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

/// <summary>Trie nodes stored beside the blocks, at any later moment or never.</summary>
public class SavingBesideTests
{
    [Fact]
    public void The_store_leads_to_the_head_whenever_the_nodes_come() =>
        Gen.Select(RandomBlocks.Blocks, Gen.Int[0, 6], Gen.Int[0, 60], Gen.Int[0, 1000])
        .Sample((blocks, unsavedBlocks, unsavedKeys, seed) =>
    {
        var (store, random, work) = (new MemoryKeyValueStore(), new Random(seed), new HeldWork());
        // So small that nodes are let go and loaded again all the time.
        var options = new StateStoreOptions
        {
            UnsavedBlocks = (ulong)unsavedBlocks,
            UnsavedKeys = unsavedKeys,
            NodeCacheBytes = 2_000,
            FlatCacheEntries = 3,
            StartWork = work.Start
        };
        var state = new StateStore(store, "public", options);
        var models = new List<StateModel>();
        var model = new StateModel();
        foreach (var operations in blocks)
        {
            var number = (ulong)models.Count;
            var world = new WorldState(state.Head);
            RandomBlocks.Apply(operations, world, model);
            var layer = state.Extend(state.Head, number, world.TakeChanges());
            Assert.Equal(model.Root(), layer.Root);
            StateRuns.Flush(store, state, layer);
            models.Add(model.Copy());
            if (random.Next(3) == 0) work.Run();
            Assert.Empty(StateVerifier.Verify(store, "public"));
            if (number > 3 && random.Next(2) == 0) Prune(store, state, number - 3);
            if (random.Next(6) == 0 && number > 2) Rewind(store, state, number - 2, models, ref model);
            // A process that ended: what was begun and not written never is.
            if (random.Next(5) == 0) state = new StateStore(store, "public", options with { StartWork = (work = new HeldWork()).Start });
        }

        StateRuns.AssertHistory(store, state, models);
        StateRuns.AssertHistory(store, new StateStore(store, "public"), models);
        state.Settle();
        Assert.Empty(StateVerifier.Verify(store, "public"));
        StateRuns.AssertHistory(store, new StateStore(store, "public"), models);
    }, iter: 300);

    [Fact]
    public void Blocks_wait_only_when_storing_is_due_again()
    {
        var (store, work) = (new MemoryKeyValueStore(), new HeldWork());
        var state = new StateStore(store, "public", new StateStoreOptions { UnsavedBlocks = 2, StartWork = work.Start });
        for (ulong number = 0; number <= 5; number++) Block(store, state, number);
        Assert.Equal((1, 0), (work.Started, work.Runs)); // begun with block 3; 0 to 2 were not due
        Block(store, state, 6);
        Assert.Equal((2, 1), (work.Started, work.Runs));
        work.Run();
        Block(store, state, 7);
        state.Settle();
        Assert.Equal((2, 2), (work.Started, work.Runs));
    }

    [Fact]
    public void What_failed_is_thrown_by_the_next_blocks_and_loses_nothing()
    {
        var store = new MemoryKeyValueStore();
        var failed = new RunningWork(static () => true, static () => throw new IOException("the disk is full"));
        var state = new StateStore(store, "public", new StateStoreOptions { UnsavedBlocks = 1, StartWork = _ => failed });
        for (ulong number = 0; number <= 2; number++) Block(store, state, number);
        Assert.Equal("the disk is full", Assert.Throws<IOException>(() => Block(store, state, 3)).Message);
        Assert.Throws<IOException>(() => Block(store, state, 4));
        Assert.Throws<IOException>(state.Settle);
        var again = new StateStore(store, "public");
        Assert.Equal((4ul, state.Head.Root), (again.Head.Block, again.Head.Root));
        Block(store, again, 5);
        Assert.Empty(StateVerifier.Verify(store, "public"));
    }

    [Fact]
    public void A_thread_of_its_own_gives_the_same_roots()
    {
        var random = new Random(20261126);
        var (store, plain) = (new MemoryKeyValueStore(), new MemoryKeyValueStore());
        var options = new StateStoreOptions { UnsavedBlocks = 3, NodeCacheBytes = 200_000, FlatCacheEntries = 100 };
        var state = new StateStore(store, "public", options with { StartWork = StateRuns.OnAThread });
        var expected = new StateStore(plain, "public", options);
        for (ulong number = 0; number < 150; number++)
        {
            var changes = Enumerable.Range(0, number == 0 ? 5_000 : 150)
                .Select(_ => (random.Next(6_000), (uint)random.Next(1, 1_000))).ToArray();
            foreach (var (each, states) in new[] { (store, state), (plain, expected) })
            {
                var world = new WorldState(states.Head);
                foreach (var (account, value) in changes)
                {
                    world.SetBalance(Address.FromWord((uint)account), value);
                    world.SetStorage(Address.FromWord((uint)account % 7), (uint)account, value);
                }

                StateRuns.Flush(each, states, states.Extend(states.Head, number, world.TakeChanges()));
                if (number > 5) Prune(each, states, number - 5);
            }

            Assert.Equal(expected.Head.Root, state.Head.Root);
        }

        state.Settle();
        Assert.Empty(StateVerifier.Verify(store, "public"));
        Assert.Equal(expected.Head.Root, new StateStore(store, "public").Head.Root);
    }

    private static void Block(MemoryKeyValueStore store, StateStore state, ulong number)
    {
        var world = new WorldState(state.Head);
        world.AddBalance(Address.FromWord(number + 1), 1u);
        StateRuns.Flush(store, state, state.Extend(state.Head, number, world.TakeChanges()));
    }

    private static void Prune(MemoryKeyValueStore store, StateStore state, ulong keepFrom)
    {
        var batch = new KeyValueBatch();
        state.Prune(keepFrom, batch, 20);
        store.Write(batch, sync: false);
    }

    private static void Rewind(MemoryKeyValueStore store, StateStore state, ulong block, List<StateModel> models, ref StateModel model)
    {
        if (block < state.OldestBlock) return;
        var batch = new KeyValueBatch();
        var layer = state.Rewind(block, batch);
        store.Write(batch, sync: false);
        state.Advance(layer);
        models.RemoveRange((int)block + 1, models.Count - (int)block - 1);
        model = models[^1].Copy();
        Assert.Equal(model.Root(), state.Head.Root);
    }

    /// <summary>Runs what was started when the test says so, or when somebody waits for it.</summary>
    private sealed class HeldWork
    {
        private Action? _held;

        public int Started { get; private set; }

        public int Runs { get; private set; }

        public RunningWork Start(Action work)
        {
            Assert.Null(_held);
            _held = work;
            Started++;
            return new RunningWork(() => _held is null, Run);
        }

        public void Run()
        {
            if (_held is not { } work) return;
            _held = null;
            work();
            Runs++;
        }
    }
}
