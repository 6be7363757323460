namespace QuorumMesh.State;

/// <summary>Writes to apply together, in the order given. Keys and values are copied in.</summary>
public sealed class KeyValueBatch
{
    private readonly List<(byte[] Key, byte[]? Value)> _operations = [];

    public int Count => _operations.Count;

    /// <summary>Bytes of all keys and values.</summary>
    public int ByteSize { get; private set; }

    /// <summary>In order of application; a null value deletes the key.</summary>
    public IReadOnlyList<(byte[] Key, byte[]? Value)> Operations => _operations;

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Put(key.ToArray(), value.ToArray());

    public void Delete(ReadOnlySpan<byte> key) => Add(key.ToArray(), null);

    public void Clear()
    {
        _operations.Clear();
        ByteSize = 0;
    }

    /// <summary>Takes ownership of both arrays, so that hot paths copy nothing.</summary>
    internal void Put(byte[] key, byte[] value) => Add(key, value);

    internal void Delete(byte[] key) => Add(key, null);

    private void Add(byte[] key, byte[]? value)
    {
        _operations.Add((key, value));
        ByteSize += key.Length + (value?.Length ?? 0);
    }
}
