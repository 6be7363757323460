using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class StateProofTests
{
    [Fact]
    public void Proofs_lead_from_the_root_to_the_value()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        var world = new WorldState(state.Head);
        for (var i = 0; i < 200; i++)
            world.AddBalance(Address.FromWord((UInt256)(i + 1)), (UInt256)(i + 7));
        var contract = Address.FromWord(5u);
        for (var i = 0; i < 40; i++)
            world.SetStorage(contract, (UInt256)i, (UInt256)(1000 + i));
        var layer = state.Extend(state.Head, 0, world.TakeChanges());
        Check(layer, contract);
        StateRuns.Flush(store, state, layer);
        Check(new StateStore(store, "public").Head, contract);
    }

    [Fact]
    public void Proofs_are_bounded_by_the_keys_between()
    {
        var store = new MemoryKeyValueStore();
        var state = new StateStore(store, "public");
        for (ulong block = 0; block <= 6; block++)
        {
            var world = new WorldState(state.Head);
            for (uint i = 1; i <= 20_000; i++)
                world.AddBalance(Address.FromWord(i), 1u);
            StateRuns.Flush(store, state, state.Extend(state.Head, block, world.TakeChanges()));
        }

        // 5 blocks of 20,000 are 100,000 keys, 6 are too many.
        Assert.Equal((UInt256)2, state.Prove(store, 1, Address.FromWord(7u), []).Account!.Value.Balance);
        var error = Assert.Throws<StateUnavailableException>(() => state.Prove(store, 0, Address.FromWord(7u), []));
        Assert.Contains("block 0 is too far back", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{StateStore.MostProofKeys}", error.Message, StringComparison.Ordinal);
        Assert.Contains("block 1 or later", error.Message, StringComparison.Ordinal);
    }

    private static void Check(StateLayer layer, Address contract)
    {
        var proof = layer.Prove(contract, [0u, 39u, 40u]);
        Assert.Equal(proof.Account!.Value.Encode(), Follow(layer.Root, contract.ToArray(), proof.AccountNodes));
        Assert.Equal([1000u, 1039u, 0u], proof.Storage.Select(s => s.Value));
        foreach (var slot in proof.Storage)
        {
            var leaf = Follow(proof.Account.Value.StorageRoot, slot.Slot.ToBigEndian(), slot.Nodes);
            Assert.Equal(slot.Value, leaf is null ? UInt256.Zero : new RlpReader(leaf).ReadUInt256());
        }

        var absent = layer.Prove(Address.FromWord(5000u), [1u]);
        Assert.Null(absent.Account);
        Assert.Null(Follow(layer.Root, absent.Address.ToArray(), absent.AccountNodes));
        Assert.Empty(absent.Storage[0].Nodes);
    }

    /// <summary>A verifier that knows only the node format; null when the proof shows absence.</summary>
    internal static byte[]? Follow(Hash256 root, byte[] key, IReadOnlyList<byte[]> nodes)
    {
        var path = Hex.ToHex(Keccak.Hash(key).ToArray(), prefix: false);
        var reference = root.ToArray();
        for (var i = 0; ; i++)
        {
            var node = reference.Length < 32 ? reference : nodes[i];
            if (reference.Length == 32) Assert.Equal(reference, Keccak.Hash(node).ToArray());
            else i--;
            var list = new RlpReader(node).ReadList();
            if (list.CountItems() == 17)
            {
                for (var skip = Convert.ToInt32(path[..1], 16); skip > 0; skip--)
                    list.Skip();
                path = path[1..];
                reference = list.IsList ? list.ReadRaw().ToArray() : list.ReadBytes().ToArray();
            }
            else
            {
                var compact = Hex.ToHex(list.ReadBytes(), prefix: false);
                var nibbles = compact[0] is '1' or '3' ? compact[1..] : compact[2..];
                if (compact[0] is '2' or '3') return nibbles == path ? list.ReadBytes().ToArray() : null;
                if (!path.StartsWith(nibbles, StringComparison.Ordinal)) return null;
                path = path[nibbles.Length..];
                reference = list.IsList ? list.ReadRaw().ToArray() : list.ReadBytes().ToArray();
            }

            if (reference.Length == 0)
            {
                Assert.Equal(nodes.Count - 1, i);
                return null;
            }
        }
    }
}
