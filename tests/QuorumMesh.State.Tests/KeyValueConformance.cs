using CsCheck;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

/// <summary>What every key-value store must do.</summary>
internal static class KeyValueConformance
{
    /// <summary>Few bytes, the extremes among them, so that prefixes and bounds matter.</summary>
    private static readonly Gen<byte[]> Key = Gen.Int[0, 4].Select(i => new byte[] { 0x00, 0x01, 0x41, 0xfe, 0xff }[i]).Array[1, 4];

    private static readonly Gen<(byte[] Key, byte[]? Value)> Change =
        Gen.Select(Key, Gen.Int[0, 3], Gen.Byte.Array[0, 20]).Select(t => (t.Item1, t.Item2 == 0 ? null : t.Item3));

    /// <summary>Lengths around what one more byte of a length, or another chunk of a batch, is needed for.</summary>
    public static void KeepsValuesOfEveryLength(IKeyValueStore store)
    {
        var lengths = new[] { 0, 1, 127, 128, 16_383, 16_384, 65_536, 200_000, 2_097_151, 2_097_152, 3 };
        var batch = new KeyValueBatch();
        for (var i = 0; i < lengths.Length; i++)
            batch.Put(KeyOf(i), ValueOf(i));
        batch.Put([7], [1]);
        batch.Delete([7]);
        Assert.Equal(lengths.Length + 2, batch.Count);
        store.Write(batch, sync: false);
        for (var i = 0; i < lengths.Length; i++)
            Assert.True(store.Get(KeyOf(i)).AsSpan().SequenceEqual(ValueOf(i)), $"value of {lengths[i]} bytes");
        Assert.Null(store.Get([7]));
        Assert.Empty(store.GetMany([]));
        byte[][] asked = [.. Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? [7, (byte)i] : KeyOf(i % lengths.Length))];
        Assert.Equal(asked.Select(k => store.Get(k)?.Length), store.GetMany(asked).Select(v => v?.Length));

        batch.Clear();
        Assert.Equal((0, 0), (batch.Count, batch.ByteSize));
        batch.Delete(KeyOf(0));
        store.Write(batch, sync: false);
        Assert.Null(store.Get(KeyOf(0)));
        Assert.NotNull(store.Get(KeyOf(1)));

        byte[] KeyOf(int i) => [.. Enumerable.Repeat((byte)(i + 10), i % 2 == 0 ? 3 : 140)];
        byte[] ValueOf(int i)
        {
            var value = new byte[lengths[i]];
            Array.Fill(value, (byte)(i + 1));
            return value;
        }
    }

    public static void AgreesWithASortedDictionary(Func<IKeyValueStore> open, int runs) =>
        Gen.Select(Change.Array[0, 60].Array[1, 8], Key, Key).Sample(
            (batches, prefix, tail) =>
            {
                using var store = open();
                Check(store, batches, prefix, tail);
            },
            iter: runs,
            threads: 1);

    private static void Check(IKeyValueStore store, (byte[] Key, byte[]? Value)[][] batches, byte[] prefix, byte[] tail)
    {
        var model = new SortedDictionary<byte[], byte[]>(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        var snapshots = new List<(IKeyValueSnapshot Snapshot, KeyValuePair<byte[], byte[]>[] Content)>();
        foreach (var changes in batches)
        {
            var batch = new KeyValueBatch();
            foreach (var (key, value) in changes)
            {
                if (value is null)
                {
                    batch.Delete(key);
                    model.Remove(key);
                }
                else
                {
                    batch.Put(new ReadOnlySpan<byte>(key), value);
                    model[key] = value;
                }
            }

            store.Write(batch, sync: false);
            snapshots.Add((store.Snapshot(), [.. model]));
            Compare(store, [.. model], prefix, tail);
        }

        foreach (var (snapshot, content) in snapshots)
        {
            Compare(snapshot, content, prefix, tail);
            snapshot.Dispose();
        }
    }

    private static void Compare(IKeyValueReader reader, KeyValuePair<byte[], byte[]>[] content, byte[] prefix, byte[] tail)
    {
        foreach (var (key, value) in content)
            Assert.Equal(value, reader.Get(key));
        byte[][] asked = [.. content.Select(static e => e.Key).Reverse(), tail, .. content.Select(static e => e.Key), tail];
        Assert.Equal(asked.Select(k => reader.Get(k)), reader.GetMany(asked));
        Assert.Equal(content.FirstOrDefault(e => e.Key.AsSpan().SequenceEqual(tail)).Value, reader.Get(tail));
        byte[] from = [.. prefix, .. tail];
        var expected = content.Where(e => e.Key.AsSpan().StartsWith(prefix)).ToArray();
        Same(expected, reader.Scan(prefix));
        Same(expected.Where(e => e.Key.AsSpan().SequenceCompareTo(from) >= 0), reader.Scan(prefix, from));
        Same(expected, reader.Scan(prefix, [0]));
        Same(content, reader.Scan([]));
    }

    private static void Same(IEnumerable<KeyValuePair<byte[], byte[]>> expected, IEnumerable<KeyValuePair<byte[], byte[]>> actual) =>
        Assert.Equal(
            expected.Select(e => Convert.ToHexString(e.Key) + "=" + Convert.ToHexString(e.Value)),
            actual.Select(e => Convert.ToHexString(e.Key) + "=" + Convert.ToHexString(e.Value)));
}
