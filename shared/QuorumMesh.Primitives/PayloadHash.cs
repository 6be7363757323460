using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QuorumMesh.Primitives;

/// <summary>Name of an encrypted payload: the SHA3-512 of its ciphertext, 64 bytes. The default value is all zeros.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct PayloadHash : IEquatable<PayloadHash>, IComparable<PayloadHash>
{
    public const int Size = 64;

    private readonly Hash256 _first;
    private readonly Hash256 _second;

    /// <exception cref="ArgumentException">Not exactly 64 bytes.</exception>
    public PayloadHash(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A payload hash is 64 bytes, got {bytes.Length}.", nameof(bytes));
        this = Unsafe.ReadUnaligned<PayloadHash>(ref MemoryMarshal.GetReference(bytes));
    }

    /// <summary>All zeros.</summary>
    public bool IsZero => _first.IsZero && _second.IsZero;

    /// <summary>The 64 bytes in place; valid as long as this value is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(new ReadOnlySpan<PayloadHash>(in this));

    /// <summary>Reads 128 hex digits, with or without 0x.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static PayloadHash Parse(string hex)
    {
        ArgumentNullException.ThrowIfNull(hex);
        return TryParse(hex, out PayloadHash hash)
            ? hash
            : throw new FormatException("A payload hash is 128 hex digits, with or without 0x.");
    }

    public static bool TryParse([NotNullWhen(true)] string? hex, out PayloadHash hash)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bool read = Hex.TryDecodeExact(hex, bytes);
        hash = read ? new PayloadHash(bytes) : default;
        return read;
    }

    /// <summary>Reads standard base64 with padding, as Tessera writes it.</summary>
    public static bool TryFromBase64([NotNullWhen(true)] string? text, out PayloadHash hash)
    {
        // 88 characters hold 64 bytes; the decoder may look at up to 66.
        Span<byte> bytes = stackalloc byte[Size + 2];
        bool read = text is { Length: 88 } && Convert.TryFromBase64String(text, bytes, out int written) && written == Size;
        hash = read ? new PayloadHash(bytes[..Size]) : default;
        return read;
    }

    /// <exception cref="ArgumentException">The destination is shorter than 64 bytes.</exception>
    public void CopyTo(Span<byte> destination) => Bytes.CopyTo(destination);

    public byte[] ToArray() => Bytes.ToArray();

    /// <summary>0x and lower-case digits.</summary>
    public override string ToString() => Hex.ToHex(Bytes);

    /// <summary>Standard base64 with padding, as in Tessera's REST API.</summary>
    public string ToBase64() => Convert.ToBase64String(Bytes);

    public bool Equals(PayloadHash other) => _first.Equals(other._first) && _second.Equals(other._second);

    public override bool Equals(object? obj) => obj is PayloadHash other && Equals(other);

    public override int GetHashCode() => _first.GetHashCode();

    public int CompareTo(PayloadHash other) => Bytes.SequenceCompareTo(other.Bytes);

    public static bool operator ==(in PayloadHash a, in PayloadHash b) => a.Equals(b);

    public static bool operator !=(in PayloadHash a, in PayloadHash b) => !a.Equals(b);
}
