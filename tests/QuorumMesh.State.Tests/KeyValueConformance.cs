using CsCheck;
using QuorumMesh.State;

namespace QuorumMesh.Tests;

/// <summary>What every key-value store must do.</summary>
internal static class KeyValueConformance
{
    /// <summary>Few bytes, the extremes among them, so that prefixes and bounds matter.</summary>
    private static readonly Gen<byte[]> Key = Gen.Int[0, 4].Select(i => new byte[] { 0x00, 0x01, 0x41, 0xfe, 0xff }[i]).Array[1, 4];

    private static readonly Gen<(byte[] Key, byte[]? Value)> Change =
        Gen.Select(Key, Gen.Int[0, 3], Gen.Byte.Array[0, 20]).Select(t => (t.Item1, t.Item2 == 0 ? null : t.Item3));

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
