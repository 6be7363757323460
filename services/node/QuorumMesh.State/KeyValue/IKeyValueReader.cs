namespace QuorumMesh.State.KeyValue;

/// <summary>Ordered byte-string store, reading side. Keys compare as unsigned bytes.</summary>
public interface IKeyValueReader
{
    /// <returns>The value, or null when the key is absent. The array belongs to the store: do not change it.</returns>
    byte[]? Get(ReadOnlySpan<byte> key);

    /// <summary>
    /// The values of several keys, in their order, each as <see cref="Get"/> gives it. A store on a disk reads keys that lie near each
    /// other together, which takes less than one by one.
    /// </summary>
    byte[]?[] GetMany(ReadOnlySpan<byte[]> keys)
    {
        var values = new byte[]?[keys.Length];
        for (var i = 0; i < values.Length; i++) values[i] = Get(keys[i]);
        return values;
    }

    /// <summary>
    /// Ascending entries whose key starts with <paramref name="prefix"/>, from <paramref name="from"/> (inclusive) when given.
    /// </summary>
    IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null);
}
