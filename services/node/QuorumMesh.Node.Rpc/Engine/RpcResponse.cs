using System.Buffers;
using System.Text.Json;
using QuorumMesh.Listeners;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>
/// The bytes of an answer as they grow, with a JSON writer on top. Rented from a small pool; what it holds counts against its
/// listener's budget until it is disposed. Not thread safe.
/// </summary>
public sealed class RpcResponse : IBufferWriter<byte>, IDisposable
{
    private const int InitialSize = 4096;
    private const int MaxKeptSize = 1 << 20;
    private const int MaxPooled = 64;
    private const int MaxStep = 16 << 20;

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
    private ByteLease? _lease;
    private int _length;

    private RpcResponse() => Json = new Utf8JsonWriter(this, WriterOptions);

    /// <summary>Flush it before reading <see cref="Written"/> or writing raw bytes.</summary>
    public Utf8JsonWriter Json { get; }

    /// <summary>
    /// Set while the little around results is written: brackets, ids and error texts go out however full the budget is, for
    /// calls before them in a batch have had their effect and must be answered.
    /// </summary>
    public bool IsEnvelope { get; set; }

    /// <summary>Of a single request; in a batch each element has its own error, and the batch is answered.</summary>
    public CallRefusal Refusal { get; set; }

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public int Length => _length;

    /// <param name="budget">Null for answers inside the process.</param>
    public static RpcResponse Rent(ByteBudget? budget = null)
    {
        var response = Pool.TryDequeue(out var pooled) ? pooled : new RpcResponse();
        response._lease = budget?.Lease();
        return response;
    }

    public void Dispose()
    {
        _lease?.Dispose();
        _lease = null;
        Refusal = CallRefusal.None;
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

    /// <summary>A part of the envelope.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        IsEnvelope = true;
        bytes.CopyTo(GetSpan(bytes.Length));
        IsEnvelope = false;
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

    /// <exception cref="RpcException">The listener holds too much already.</exception>
    private void Grow(int more)
    {
        var needed = checked(_length + Math.Max(more, 1));
        if (needed <= _buffer.Length) return;
        var size = Math.Max(needed, checked(_buffer.Length + Math.Min(_buffer.Length, MaxStep)));
        if (!TryHold(size) && !IsEnvelope)
            throw new RpcException(RpcErrorCode.LimitExceeded, new BudgetExceededException(_lease!.Budget).Message);
        Array.Resize(ref _buffer, size);
    }

    /// <summary>Both buffers are there while one is copied into the other.</summary>
    private bool TryHold(int size) => _lease is not { } lease || (lease.TryHold((long)size + _buffer.Length) && lease.TryHold(size));
}
