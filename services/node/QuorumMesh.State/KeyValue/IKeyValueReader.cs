namespace QuorumMesh.State.KeyValue;

/// <summary>Ordered byte-string store, reading side. Keys compare as unsigned bytes.</summary>
public interface IKeyValueReader
{
    /// <returns>The value, or null when the key is absent. The array belongs to the store: do not change it.</returns>
    byte[]? Get(ReadOnlySpan<byte> key);

    /// <summary>
    /// Ascending entries whose key starts with <paramref name="prefix"/>, from <paramref name="from"/> (inclusive) when given.
    /// </summary>
    IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null);
}
