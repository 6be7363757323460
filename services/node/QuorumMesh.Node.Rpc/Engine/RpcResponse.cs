using System.Buffers;
using System.Text.Json;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>The bytes of an answer as they grow, with a JSON writer on top. Rented from a small pool; not thread safe.</summary>
public sealed class RpcResponse : IBufferWriter<byte>, IDisposable
{
    private const int InitialSize = 4096;
    private const int MaxKeptSize = 1 << 20;
    private const int MaxPooled = 64;

    /// <summary>A call trace has two levels for each of up to 1024 calls inside each other.</summary>
    private const int MaxDepth = 4096;

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        MaxDepth = MaxDepth,
        SkipValidation = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly System.Collections.Concurrent.ConcurrentQueue<RpcResponse> Pool = new();

    private byte[] _buffer = new byte[InitialSize];
    private int _length;

    private RpcResponse() => Json = new Utf8JsonWriter(this, WriterOptions);

    /// <summary>Flush it before reading <see cref="Written"/> or writing raw bytes.</summary>
    public Utf8JsonWriter Json { get; }

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public int Length => _length;

    public static RpcResponse Rent() => Pool.TryDequeue(out var pooled) ? pooled : new RpcResponse();

    public void Dispose()
    {
        if (_buffer.Length > MaxKeptSize || Pool.Count >= MaxPooled) return;
        Clear();
        Pool.Enqueue(this);
    }

    public void Clear() => Truncate(0);

    /// <summary>Forgets everything written after a position, what the JSON writer holds back included.</summary>
    public void Truncate(int length)
    {
        Json.Reset(this);
        _length = length;
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _length += bytes.Length;
    }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.AsSpan(_length);
    }

    private void Grow(int more)
    {
        var needed = _length + Math.Max(more, 1);
        if (needed > _buffer.Length) Array.Resize(ref _buffer, Math.Max(needed, checked(_buffer.Length * 2)));
    }
}
