using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Locked memory of a fixed size to write JSON into, so that no secret of a request lies in the managed heap.</summary>
internal sealed class SecretWriter(int capacity) : IBufferWriter<byte>, IDisposable
{
    // Base64 holds + and /, which the usual encoder escapes, by way of a rented array that nobody wipes.
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SecretBuffer _buffer = new(capacity);
    private int _written;

    public ReadOnlyMemory<byte> Written => _buffer.Memory[.._written];

    /// <summary>An object with these text members.</summary>
    /// <param name="members">Names are ours; values are UTF-8.</param>
    public static SecretWriter Object(params ReadOnlySpan<(string Name, SecretBuffer Value)> members)
    {
        var size = 1024;
        foreach (var member in members)
            size += 64 + (member.Value.Length * 6);
        var target = new SecretWriter(size);
        using var json = new Utf8JsonWriter(target, Relaxed);
        json.WriteStartObject();
        foreach (var (name, value) in members)
            json.WriteString(name, value.Span);
        json.WriteEndObject();
        json.Flush();
        return target;
    }

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0) => _written + sizeHint <= _buffer.Length
        ? _buffer.Memory[_written..]
        : throw new InvalidOperationException("the request does not fit its buffer");

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose() => _buffer.Dispose();
}
