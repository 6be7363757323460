using System.Diagnostics.CodeAnalysis;

namespace QuorumMesh.Contracts;

/// <summary>An enclave's public key as its raw bytes: 32 for NaCl, a DER SubjectPublicKeyInfo (91 for P-256) for EC.</summary>
public sealed class PublicKey : IEquatable<PublicKey>, IComparable<PublicKey>
{
    /// <summary>The longest key that any codec or port takes.</summary>
    public const int MaxSize = 1024;

    private readonly byte[] bytes;

    /// <exception cref="ArgumentException">The key is empty or longer than <see cref="MaxSize"/>.</exception>
    public PublicKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes.Length > MaxSize)
        {
            throw new ArgumentException($"A public key has 1 to {MaxSize} bytes, not {bytes.Length}.", nameof(bytes));
        }

        this.bytes = bytes.ToArray();
    }

    /// <summary>In bytes.</summary>
    public int Length => bytes.Length;

    /// <summary>The key's bytes.</summary>
    public ReadOnlySpan<byte> Span => bytes;

    /// <summary>The key's bytes, not a copy: not to be written to.</summary>
    public ReadOnlyMemory<byte> Memory => bytes;

    /// <summary>Reads the standard base64 alphabet with padding.</summary>
    public static bool TryFromBase64(string? text, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        if (string.IsNullOrEmpty(text) || text.Length > (MaxSize + 2) / 3 * 4)
        {
            return false;
        }

        Span<byte> buffer = stackalloc byte[MaxSize + 2];
        if (!Convert.TryFromBase64String(text, buffer, out int written) || written == 0 || written > MaxSize)
        {
            return false;
        }

        key = new PublicKey(buffer[..written]);
        return true;
    }

    /// <exception cref="FormatException">The text is not a key in base64.</exception>
    public static PublicKey FromBase64(string text) =>
        TryFromBase64(text, out PublicKey? key) ? key : throw new FormatException($"'{text}' is not a public key in base64.");

    /// <summary>As configuration, REST and logs show it.</summary>
    public string ToBase64() => Convert.ToBase64String(bytes);

    /// <summary>A copy of the bytes.</summary>
    public byte[] ToArray() => bytes.ToArray();

    public bool Equals(PublicKey? other) => other is not null && bytes.AsSpan().SequenceEqual(other.bytes);

    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    public int CompareTo(PublicKey? other) => other is null ? 1 : bytes.AsSpan().SequenceCompareTo(other.bytes);

    public override string ToString() => ToBase64();

    public static bool operator ==(PublicKey? a, PublicKey? b) => a is null ? b is null : a.Equals(b);

    public static bool operator !=(PublicKey? a, PublicKey? b) => !(a == b);

    public static bool operator <(PublicKey a, PublicKey b) => a.CompareTo(b) < 0;

    public static bool operator >(PublicKey a, PublicKey b) => a.CompareTo(b) > 0;

    public static bool operator <=(PublicKey a, PublicKey b) => a.CompareTo(b) <= 0;

    public static bool operator >=(PublicKey a, PublicKey b) => a.CompareTo(b) >= 0;
}
