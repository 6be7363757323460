using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class MemoryKeyValueStoreTests
{
    [Fact]
    public void Agrees_with_a_sorted_dictionary() => KeyValueConformance.AgreesWithASortedDictionary(() => new MemoryKeyValueStore(), 300);

    [Fact]
    public void Keeps_values_of_every_length() => KeyValueConformance.KeepsValuesOfEveryLength(new MemoryKeyValueStore());

    [Fact]
    public void Many_keys_stay_in_order()
    {
        using var store = new MemoryKeyValueStore();
        var batch = new KeyValueBatch();
        for (var i = 0; i < 5000; i++)
            batch.Put(new ReadOnlySpan<byte>(Key(i * 7919 % 5000)), [1]);
        store.Write(batch, sync: true);
        Assert.Equal(Enumerable.Range(0, 5000), store.Scan([]).Select(e => e.Key[0] << 8 | e.Key[1]));
    }

    private static byte[] Key(int i) => [(byte)(i >> 8), (byte)i];
}
