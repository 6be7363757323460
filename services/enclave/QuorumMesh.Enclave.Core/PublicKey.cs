using System.Runtime.InteropServices;

namespace QuorumMesh.Enclave.Core;

/// <summary>An X25519 public key, 32 bytes; written as standard base64 as Tessera does.</summary>
public readonly struct PublicKey : IEquatable<PublicKey>
{
    public const int Size = 32;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public PublicKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"a public key has {Size} bytes, not {bytes.Length}", nameof(bytes));
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        (_a, _b, _c, _d) = (words[0], words[1], words[2], words[3]);
    }

    public static bool operator ==(PublicKey left, PublicKey right) => left.Equals(right);

    public static bool operator !=(PublicKey left, PublicKey right) => !left.Equals(right);

    public static bool TryParse(string? base64, out PublicKey key)
    {
        key = default;
        Span<byte> bytes = stackalloc byte[Size];
        if (base64 is not { Length: 44 } || !Convert.TryFromBase64String(base64, bytes, out var written) || written != Size)
            return false;
        key = new PublicKey(bytes);
        return true;
    }

    /// <exception cref="FormatException">Not the base64 of 32 bytes.</exception>
    public static PublicKey Parse(string base64) =>
        TryParse(base64, out var key) ? key : throw new FormatException($"'{base64}' is not a public key: the base64 of {Size} bytes is expected");

    public void CopyTo(Span<byte> destination) =>
        MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)[_a, _b, _c, _d]).CopyTo(destination);

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    public bool Equals(PublicKey other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    public override bool Equals(object? obj) => obj is PublicKey other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_a, _b, _c, _d);

    public override string ToString() => Convert.ToBase64String(ToArray());
}
