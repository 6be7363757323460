using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.State.Tests;

/// <summary>Proofs that go on from the tries of the proof before.</summary>
public class ProofTriesTests
{
    [Fact]
    public void Proofs_along_the_way_are_those_of_a_fresh_store() =>
        Gen.Select(RandomBlocks.Blocks, Gen.Int[0, 6], Gen.Int[0, 60], Gen.Int[0, 1000])
        .Sample((blocks, unsavedBlocks, unsavedKeys, seed) =>
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public",
            new StateStoreOptions { UnsavedBlocks = (ulong)unsavedBlocks, UnsavedKeys = unsavedKeys, NodeCacheBytes = 2_000 });
        var random = new Random(seed);
        for (var i = 0; i < blocks.Length; i++)
        {
            var next = state.IsInitialised ? state.Head.Block + 1 : 0;
            var world = new WorldState(state.Head);
            RandomBlocks.Apply(blocks[i], world, new StateModel());
            StateRuns.Flush(store, state, state.Extend(state.Head, next, world.TakeChanges()));
            if (random.Next(3) > 0) state.ReleaseProofs();
            for (var proofs = random.Next(4); proofs > 0; proofs--)
                Check(store, state, next - (ulong)random.Next((int)Math.Min(next + 1, 4)),
                    RandomBlocks.Addresses[random.Next(RandomBlocks.Addresses.Length)], compare: true);
            if (next == 0 || random.Next(5) > 0) continue;
            // As the private state does when a payload comes late: the next blocks have these numbers again.
            var batch = new KeyValueBatch();
            var back = state.Rewind(next - 1 - (ulong)random.Next((int)Math.Min(next, 3)), batch);
            store.Write(batch, sync: false);
            state.Advance(back);
            if (random.Next(2) == 0) Check(store, state, back.Block, RandomBlocks.Addresses[0], compare: true);
        }
    }, iter: 200);

    [Fact]
    public void Repeated_proofs_read_little_and_follow_the_head()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public", new StateStoreOptions { UnsavedBlocks = 50 });
        void Block(ulong number, uint from, uint accounts)
        {
            var world = new WorldState(state.Head);
            for (var i = from; i < from + accounts; i++) world.AddBalance(Address.FromWord(i + 1), 1u);
            StateRuns.Flush(store, state, state.Extend(state.Head, number, world.TakeChanges()));
            state.ReleaseProofs();
        }

        int Reads(ulong block)
        {
            using var snapshot = store.Snapshot();
            var counter = new CountingReader(snapshot);
            var proof = state.Prove(counter, block, Address.FromWord(77u), []);
            Assert.Equal(state.BlockAt(snapshot, block)!.Value.Root, Keccak.Hash(proof.AccountNodes[0]));
            return counter.Reads;
        }

        Block(0, 0, 3_000);
        for (ulong number = 1; number <= 30; number++) Block(number, (uint)number * 90, 100);
        Assert.False(state.HoldsProofTries);
        var first = Reads(30);
        Assert.True(first > 5_000, $"{first}: both values of every changed account");
        Assert.InRange(Reads(30), 1, 40);
        Block(31, 500, 100);
        Assert.InRange(Reads(31), 1, 500);
        Assert.InRange(Reads(31), 1, 40);
        var back = Reads(25);
        Assert.True(back > 500);
        Assert.InRange(Reads(25), 1, 40);
        Assert.InRange(Reads(31), 1, 40);

        // Not for longer than the nodes in the store stay the same.
        Assert.True(state.HoldsProofTries);
        for (ulong number = 32; number <= 52; number++) Block(number, 0, 10);
        Assert.False(state.HoldsProofTries);
        Assert.InRange(Reads(52), 1, 200);
    }

    [Fact]
    public void A_refused_proof_leaves_the_tries_for_others()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        for (ulong block = 0; block <= 6; block++)
        {
            var world = new WorldState(state.Head);
            for (uint i = 1; i <= 20_000; i++) world.AddBalance(Address.FromWord(i), 1u);
            StateRuns.Flush(store, state, state.Extend(state.Head, block, world.TakeChanges()));
        }

        Assert.Throws<StateUnavailableException>(() => state.Prove(store, 0, Address.FromWord(7u), []));
        var counter = new CountingReader(store);
        state.Prove(counter, 6, Address.FromWord(7u), []);
        Assert.InRange(counter.Reads, 1, 40);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Proofs_from_many_threads_beside_the_writer_are_of_their_snapshots(bool savesBeside)
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public",
            new StateStoreOptions { UnsavedBlocks = 7, StartWork = savesBeside ? StateRuns.OnAThread : null });
        var random = new Random(5);
        void Block(ulong number)
        {
            var world = new WorldState(state.Head);
            for (var i = 0; i < 40; i++)
                world.SetStorage(RandomBlocks.Addresses[random.Next(6)], RandomBlocks.Slots[random.Next(10)],
                (UInt256)(number * 100 + (ulong)i));
            for (var i = 0; i < 6; i++) world.AddBalance(RandomBlocks.Addresses[random.Next(12)], 1u);
            StateRuns.Flush(store, state, state.Extend(state.Head, number, world.TakeChanges()));
            state.ReleaseProofs();
            var batch = new KeyValueBatch();
            if (number > 20) state.Prune(number - 20, batch, 10_000);
            store.Write(batch, sync: false);
        }

        Block(0);
        var proofs = 0;
        Beside.Run(4, (seed, stop) =>
        {
            var own = new Random(seed);
            while (!stop.IsCancellationRequested)
            {
                using var snapshot = store.Snapshot();
                var head = state.HeadOf(snapshot)!.Value.Block;
                Check(snapshot, state, head - (ulong)own.Next((int)Math.Min(head + 1, 5)), RandomBlocks.Addresses[own.Next(12)],
                    compare: false);
                Interlocked.Increment(ref proofs);
            }
        }, failed =>
        {
            for (var number = 1; number <= 200; number++)
            {
                Block((ulong)number);
                Beside.Until(() => Volatile.Read(ref proofs) >= 2 * number, failed, "proofs go on beside the blocks");
            }
        });
    }

    /// <summary>
    /// A state that stands still, as the private one does while it waits for a payload, keeps its tries for proofs once its nodes
    /// are stored.
    /// </summary>
    [Fact]
    public void Nodes_stored_meanwhile_let_proof_tries_go_once()
    {
        var (store, done) = (new MemoryKeyValueStore(), false);
        var state = new StateStore(store, "public",
            new StateStoreOptions
            {
                UnsavedBlocks = 0,
                StartWork = work => { work(); return new RunningWork(() => done, () => done = true); }
            });
        for (ulong number = 0; number < 2; number++)
        {
            var world = new WorldState(state.Head);
            world.AddBalance(RandomBlocks.Addresses[0], 1u);
            StateRuns.Flush(store, state, state.Extend(state.Head, number, world.TakeChanges()));
        }

        done = true;
        state.ReleaseProofs();
        Check(store, state, 1, RandomBlocks.Addresses[0], compare: true);
        state.ReleaseProofs();
        Assert.True(state.HoldsProofTries);
    }

    /// <param name="compare">Also with the proof of a store opened for it, where the block is the head.</param>
    private static void Check(IKeyValueReader snapshot, StateStore state, ulong block, Address address, bool compare)
    {
        var proof = state.Prove(snapshot, block, address, RandomBlocks.Slots);
        var reader = state.At(snapshot, block);
        var root = state.BlockAt(snapshot, block)!.Value.Root;
        Assert.Equal(reader.GetAccount(address), proof.Account);
        Assert.Equal(proof.Account?.Encode(),
            proof.AccountNodes.Count == 0 ? null : StateProofTests.Follow(root, address.ToArray(), proof.AccountNodes));
        foreach (var slot in proof.Storage)
        {
            Assert.Equal(reader.GetStorage(address, slot.Slot), slot.Value);
            var leaf = slot.Nodes.Count == 0 ? null
                : StateProofTests.Follow(proof.Account!.Value.StorageRoot, slot.Slot.ToBigEndian(), slot.Nodes);
            Assert.Equal(slot.Value, leaf is null ? UInt256.Zero : new RlpReader(leaf).ReadUInt256());
        }

        if (!compare || block != state.Head.Block) return;
        var fresh = new StateStore(new FrozenStore(snapshot), "public").Head.Prove(address, RandomBlocks.Slots);
        Assert.Equal(fresh.AccountNodes.Select(static n => Hex.ToHex(n)), proof.AccountNodes.Select(static n => Hex.ToHex(n)));
        Assert.Equal(fresh.Storage.SelectMany(static s => s.Nodes).Select(static n => Hex.ToHex(n)),
            proof.Storage.SelectMany(static s => s.Nodes).Select(static n => Hex.ToHex(n)));
    }

    private sealed class CountingReader(IKeyValueReader inner) : IKeyValueReader
    {
        public int Reads { get; private set; }

        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            Reads++;
            return inner.Get(key);
        }

        public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null)
        {
            Reads++;
            return inner.Scan(prefix, from);
        }
    }
}
