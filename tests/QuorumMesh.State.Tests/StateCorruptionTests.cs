using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class StateCorruptionTests
{
    [Fact]
    public void Every_flipped_bit_is_found_when_its_value_is_read() => FlipBits(unsavedBlocks: 0, Damage);

    /// <summary>The nodes stored are of an earlier block: of those on the way to the head not all are read, but all are verified.</summary>
    [Fact]
    public void Every_flipped_bit_is_found_when_it_is_read_or_verified() =>
        FlipBits(unsavedBlocks: 10,
            (source, key, bit) => Damage(source, key, bit) is > 0 and var found ? found
            : StateVerifier.Verify(Damaged(source, key, bit), "public").Count);

    private static void FlipBits(ulong unsavedBlocks, Func<MemoryKeyValueStore, byte[]?, int, int> damage)
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public", new StateStoreOptions { UnsavedBlocks = unsavedBlocks });
        for (ulong block = 0; block < 2; block++)
        {
            var world = new WorldState(state.Head);
            for (uint i = 1; i < 40; i++)
                world.AddBalance(Address.FromWord(i), 1000u);
            world.SetCode(Address.FromWord(7u), [0x60, 0x01]);
            for (uint i = 0; i < 20; i++)
                world.SetStorage(Address.FromWord(7u), i, UInt256.MaxValue - (UInt256)block);
            StateRuns.Flush(store, state, state.Extend(state.Head, block, world.TakeChanges()));
        }

        Assert.Equal(0, damage(store, null, 0));
        foreach (var (key, value) in store.Scan([]).ToArray())
        {
            // The head pointer is read at opening; everything else when it is used.
            for (var bit = 0; bit < value.Length * 8; bit += 37)
                Assert.True(damage(store, key, bit) > 0, $"bit {bit} of {Hex.ToHex(key)}");
        }
    }

    [Fact]
    public void The_error_names_the_key()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var world = new WorldState(state.Head);
        world.AddBalance(Address.FromWord(1u), 1000u);
        StateRuns.Flush(store, state, state.Extend(state.Head, 0, world.TakeChanges()));
        byte[] key = [.. "Spublic\0a"u8, .. Address.FromWord(1u).ToArray()];
        var batch = new KeyValueBatch();
        batch.Put(new ReadOnlySpan<byte>(key), [1, 2, 3, 4, 5, 6]);
        store.Write(batch, sync: true);
        var error = Assert.Throws<StateCorruptException>(() => new StateStore(store, "public").Head.GetAccount(Address.FromWord(1u)));
        Assert.Contains(Hex.ToHex(key, prefix: false), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Code_must_hash_to_its_key_even_when_its_checksum_fits()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var world = new WorldState(state.Head);
        world.SetCode(Address.FromWord(7u), [0x60, 0x01]);
        StateRuns.Flush(store, state, state.Extend(state.Head, 0, world.TakeChanges()));
        var hash = state.Head.GetAccount(Address.FromWord(7u))!.Value.CodeHash;
        var key = StateKeys.Code(hash);
        var batch = new KeyValueBatch();
        SealedValue.Put(batch, key, [0x60, 0x02]);
        store.Write(batch, sync: true);
        foreach (var reader in new IStateReader[] { new StateStore(store, "public").Head, state.At(store, 0) })
            Assert.Contains($"{hash}", Assert.Throws<StateCorruptException>(() => reader.GetCode(hash)).Message, StringComparison.Ordinal);
    }

    private static MemoryKeyValueStore Damaged(MemoryKeyValueStore source, byte[]? key, int bit)
    {
        var store = new MemoryKeyValueStore();
        var batch = new KeyValueBatch();
        foreach (var (k, v) in source.Scan([]))
        {
            var value = v.ToArray();
            if (key is not null && k.AsSpan().SequenceEqual(key)) value[bit / 8] ^= (byte)(1 << bit % 8);
            batch.Put(new ReadOnlySpan<byte>(k), value);
        }

        store.Write(batch, sync: true);
        return store;
    }

    /// <summary>Reads everything in every way from a copy with one bit flipped; counts the reads that failed.</summary>
    private static int Damage(MemoryKeyValueStore source, byte[]? key, int bit)
    {
        using var store = Damaged(source, key, bit);
        var failures = 0;
        Try(() => new StateStore(store, "public"));
        if (failures > 0) return failures;
        var state = new StateStore(store, "public");
        Try(() => state.BlockAt(store, 0));
        Try(() => state.BlockAt(store, 1));
        for (uint i = 1; i < 40; i++)
        {
            var a = Address.FromWord(i);
            Try(() => state.Head.Prove(a, i == 7 ? [.. Enumerable.Range(0, 20).Select(s => (UInt256)s)] : []));
            Try(() => state.At(store, 0).GetAccount(a));
        }

        Try(() => state.Head.GetCode(state.Head.GetAccount(Address.FromWord(7u))!.Value.CodeHash));
        for (uint i = 0; i < 20; i++)
            Try(() => state.At(store, 0).GetStorage(Address.FromWord(7u), i));
        return failures;

        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (StateCorruptException)
            {
                failures++;
            }
        }
    }
}
