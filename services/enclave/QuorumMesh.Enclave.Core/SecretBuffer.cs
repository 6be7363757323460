using System.Buffers;
using System.Security.Cryptography;

namespace QuorumMesh.Enclave.Core;

/// <summary>
/// Bytes in locked, guarded memory outside the managed heap: never moved, never swapped where the system allows locking,
/// left out of core dumps, zeroed on disposal. There is no finaliser (a span may outlive the last reference): the owner disposes.
/// </summary>
public sealed unsafe class SecretBuffer : MemoryManager<byte>
{
    private byte* _memory;

    /// <summary>Zeroed memory. Throws <see cref="InsufficientMemoryException"/> when none can be locked or guarded.</summary>
    public SecretBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Sodium.Initialise();
        Length = length;
        _memory = (byte*)Sodium.sodium_malloc((nuint)Math.Max(1, length));
        if (_memory is null)
            throw new InsufficientMemoryException("no memory for a secret");
        // sodium_malloc fills its memory with 0xdb.
        Span.Clear();
    }

    /// <summary>In bytes.</summary>
    public int Length { get; }

    /// <summary>The bytes; not to be used once the buffer is disposed of.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory is null, this);
            return new Span<byte>(_memory, Length);
        }
    }

    /// <summary>The source stays as it is: its owner wipes it.</summary>
    public static SecretBuffer CopyOf(ReadOnlySpan<byte> secret)
    {
        var buffer = new SecretBuffer(secret.Length);
        secret.CopyTo(buffer.Span);
        return buffer;
    }

    public override Span<byte> GetSpan() => Span;

    public override MemoryHandle Pin(int elementIndex = 0) => new(_memory + elementIndex);

    public override void Unpin()
    {
    }

    /// <summary>Compares in constant time.</summary>
    internal bool ContentEquals(ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(Span, other);

    /// <summary>Says nothing of the content.</summary>
    public override string ToString() => $"secret of {Length} bytes";

    public void Dispose() => Dispose(true);

    protected override void Dispose(bool disposing)
    {
        if (_memory is null)
            return;
        // Zeroes it, after a look at the canary below it: an overrun ends the process here rather than go unseen.
        Sodium.sodium_free(_memory);
        _memory = null;
    }
}
