using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class ReadAheadTests
{
    private const int Accounts = 300;

    /// <summary>So small that values and nodes are let go and read again all the time.</summary>
    private static readonly StateStoreOptions Small = new() { UnsavedBlocks = 2, NodeCacheBytes = 2_000, FlatCacheEntries = 80 };

    [Fact]
    public void No_root_and_no_value_is_another_for_it() =>
        Gen.Select(RandomBlocks.Blocks, Gen.Int[0, 1000], Gen.Bool).Sample((blocks, seed, isSplit) =>
    {
        var (store, random, model) = (new MemoryKeyValueStore(), new Random(seed), new StateModel());
        var state = new StateStore(store, "public", Small with { SplitWork = isSplit ? new SplitWork(OnThreads) : null });
        var models = new List<StateModel>();
        foreach (var operations in blocks)
        {
            state.ReadAhead(RandomBlocks.Addresses.Where(_ => random.Next(3) > 0), RandomBlocks.Addresses.SelectMany(static a =>
                RandomBlocks.Slots.Select(s => (a, s))).Where(_ => random.Next(3) > 0));
            var world = new WorldState(state.Head);
            RandomBlocks.Apply(operations, world, model);
            var layer = state.Extend(state.Head, (ulong)models.Count, world.TakeChanges());
            Assert.Equal(model.Root(), layer.Root);
            StateRuns.Flush(store, state, layer);
            models.Add(model.Copy());
        }

        StateRuns.AssertHistory(store, state, models);
        Assert.Empty(StateVerifier.Verify(store, "public"));
    }, iter: 200);

    [Fact]
    public void What_was_read_ahead_is_not_read_again()
    {
        var store = new CountingStore();
        Fill(store);
        var state = new StateStore(store, "public", new StateStoreOptions { SplitWork = OnThreads });
        state.ReadAhead(Enumerable.Range(0, Accounts + 50).Select(At), Enumerable.Range(0, 50).Select(i => (At(0), (UInt256)i)));
        Assert.Equal(Accounts + 100, store.Together);
        var before = store.Alone;
        for (var i = 0; i < Accounts; i++) Assert.Equal((UInt256)(i + 1), state.Head.GetAccount(At(i))!.Value.Balance);
        for (var i = Accounts; i < Accounts + 50; i++) Assert.Null(state.Head.GetAccount(At(i)));
        for (var i = 0; i < 50; i++) Assert.Equal(i < 20 ? (UInt256)(i + 7) : 0u, state.Head.GetStorage(At(0), (UInt256)i));
        Assert.Equal(before, store.Alone);
        state.ReadAhead(Enumerable.Range(0, Accounts).Select(At), []);
        Assert.Equal(Accounts + 100, store.Together);
    }

    [Fact]
    public void No_more_is_read_than_the_caches_can_keep_until_it_is_used()
    {
        var store = new CountingStore();
        Fill(store);
        new StateStore(store, "public", Small).ReadAhead(Enumerable.Range(0, Accounts).Select(At), []);
        Assert.Equal(Small.FlatCacheEntries / 4, store.Together);
    }

    [Fact]
    public void Damage_is_left_to_the_read_that_needs_the_value()
    {
        var store = new CountingStore();
        Fill(store);
        var batch = new KeyValueBatch();
        batch.Put(new StateKeys("public").Account(At(5)), "damaged"u8);
        store.Write(batch, sync: false);
        var state = new StateStore(store, "public");
        state.ReadAhead(Enumerable.Range(0, Accounts).Select(At), []);
        Assert.Equal((UInt256)5u, state.Head.GetAccount(At(4))!.Value.Balance);
        Assert.Throws<StateCorruptException>(() => state.Head.GetAccount(At(5)));
    }

    [Fact]
    public void A_damaged_or_missing_node_stops_a_root_as_before()
    {
        var store = new CountingStore();
        Fill(store);
        // One nibble below the root: a branch.
        var branch = store.Scan(new StateKeys("public").AllAccountNodes).Select(static e => e.Key).First(static k => k[^1] == 1);
        var batch = new KeyValueBatch();
        batch.Delete(branch);
        store.Write(batch, sync: false);
        var state = new StateStore(store, "public");
        var world = new WorldState(state.Head);
        world.BeginTransaction();
        for (var i = 0; i < Accounts; i++) world.SelfDestruct(At(i));
        world.FinaliseTransaction(deleteEmpty: true);
        var changes = world.TakeChanges();
        Assert.Contains("missing trie node",
            Assert.Throws<StateCorruptException>(() => state.Extend(state.Head, 1, changes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_on_the_ways_of_changes_are_loaded_together_each_once_and_no_others()
    {
        var nodes = new StoredNodes();
        for (var i = 0; i < 5_000; i++) nodes.Set(Key(i), new byte[40]);
        nodes.Commit();
        var (alone, together) = (nodes.LoadedAlone, nodes.LoadedTogether);
        nodes.Loaded.Clear();
        byte[][] changed = [.. Enumerable.Range(0, 200).Select(i => Key(i * 37))]; // some of them new
        foreach (var key in changed) nodes.Set(key, [.. new byte[39], 1]);
        nodes.Commit();
        Assert.InRange(nodes.LoadedAlone - alone, 1, 20); // the root, and what lies behind an extension
        Assert.InRange(nodes.LoadedTogether - together, 200, 600);
        Assert.Equal(nodes.Loaded.Count, nodes.Loaded.Distinct().Count());
        Assert.All(nodes.Loaded, place => Assert.Contains(changed, k => NibblePath.OfKey(k).Take(place.Path.Length).Equals(place.Path)));
    }

    [Fact]
    public void Nodes_behind_an_extension_are_loaded_too()
    {
        var nodes = new StoredNodes();
        for (var i = 0; i < 400; i++) nodes.Set([0x12, 0x34, .. Key(i).AsSpan(0, 8)], new byte[40]);
        nodes.Commit();
        for (var i = 0; i < 100; i++) nodes.Set([0x12, 0x34, .. Key(i * 5).AsSpan(0, 8)], [.. new byte[39], 1]);
        nodes.Commit();
        for (var i = 0; i < 400; i++)
        {
            byte[] expected = i % 5 == 0 ? [.. new byte[39], 1] : new byte[40];
            Assert.Equal(expected, nodes.Get([0x12, 0x34, .. Key(i).AsSpan(0, 8)]));
        }
    }

    private static void OnThreads(int count, Action<int> piece) => Parallel.For(0, count, piece);

    /// <summary>Accounts 0 to 299 with a balance, slots 0 to 19 of the first; all trie nodes stored.</summary>
    private static void Fill(IKeyValueStore store)
    {
        var state = new StateStore(store, "public");
        var world = new WorldState(state.Head);
        for (var i = 0; i < Accounts; i++) world.SetBalance(At(i), (UInt256)(i + 1));
        for (var i = 0; i < 20; i++) world.SetStorage(At(0), (UInt256)i, (UInt256)(i + 7));
        StateRuns.Flush(store, state, state.Extend(state.Head, 0, world.TakeChanges()));
    }

    private static Address At(int i) => Address.FromWord((UInt256)(0x10_000 + i));

    private static byte[] Key(int i) => Keccak.Hash(BitConverter.GetBytes(i)).ToArray();

    /// <summary>Counts keys that are read.</summary>
    private sealed class CountingStore : IKeyValueStore
    {
        private readonly MemoryKeyValueStore _inner = new();
        private int _together;
        private int _alone;

        public int Together => _together;

        public int Alone => _alone;

        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            Interlocked.Increment(ref _alone);
            return _inner.Get(key);
        }

        public byte[]?[] GetMany(ReadOnlySpan<byte[]> keys)
        {
            Interlocked.Add(ref _together, keys.Length);
            return ((IKeyValueReader)_inner).GetMany(keys);
        }

        public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => _inner.Scan(prefix, from);

        public IKeyValueSnapshot Snapshot() => _inner.Snapshot();

        public void Write(KeyValueBatch batch, bool sync) => _inner.Write(batch, sync);

        public void Sync()
        {
        }

        public void Dispose()
        {
        }
    }
}
