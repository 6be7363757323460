using QuorumMesh.Chain.Storage;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>A whole recorded chain, public and private side, checks out; any flipped bit and any lost row is found.</summary>
public sealed class VerifierTests
{
    private const int Damages = 200;

    [VectorTheory]
    [InlineData("raft3-2.5.0")]
    [InlineData("ibft4-2.5.0")]
    public void Damage_is_found_wherever_it_is(string name)
    {
        var store = Import(name);
        Assert.Empty(Verify(store));
        var rows = store.Scan([]).Where(row => row.Key[0] is (byte)'c' or (byte)'S' or (byte)'C').ToList();
        var stride = Math.Max(1, rows.Count / Damages);
        for (var i = 0; i < rows.Count; i += stride)
        {
            var (key, value) = rows[i];
            var damaged = value.ToArray();
            damaged[i % value.Length] ^= (byte)(1 << i % 8);
            Assert.True(FindsFault(store, key, damaged, value), $"flipped bit in the row {Convert.ToHexStringLower(key)}");
        }
    }

    [VectorFact]
    public void Lost_rows_of_state_and_blocks_are_found()
    {
        var store = Import("raft3-2.5.0");
        foreach (var kind in "ans")
        {
            var (key, value) = store.Scan([(byte)'S', .. "public"u8, 0, (byte)kind]).First();
            Assert.True(FindsFault(store, key, null, value), $"lost row of kind {kind}");
        }

        foreach (var kind in "bht")
        {
            var (key, value) = store.Scan([(byte)'c', (byte)kind]).First();
            Assert.True(FindsFault(store, key, null, value), $"lost record of kind {kind}");
        }
    }

    private static bool FindsFault(MemoryKeyValueStore store, byte[] key, byte[]? damaged, byte[] value)
    {
        Put(store, key, damaged);
        var found = Verify(store).Count > 0;
        Put(store, key, value);
        return found;
    }

    private static void Put(MemoryKeyValueStore store, byte[] key, byte[]? value)
    {
        var batch = new KeyValueBatch();
        if (value is null) batch.Delete(key);
        else batch.Put(key, value);
        store.Write(batch, sync: false);
    }

    private static IReadOnlyList<string> Verify(MemoryKeyValueStore store) =>
        [.. ChainVerifier.Verify(store, 1), .. StateVerifier.Verify(store, "public", 1),
            .. StateVerifier.Verify(store, ChainStore.PrivateStateId, 1)];

    private static MemoryKeyValueStore Import(string name)
    {
        var network = new RecordedNetwork(name);
        var node = new TestNode(network.Genesis, network.Profile);
        foreach (var block in network.Blocks.Skip(1)) node.Import(block, network.PayloadsOf(1));
        return node.Store;
    }
}
