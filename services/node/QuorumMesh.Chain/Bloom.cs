using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>The 2048-bit log bloom of the Yellow Paper, section 4.3.1.</summary>
public sealed class Bloom : IEquatable<Bloom>
{
    /// <summary>In bytes.</summary>
    public const int Size = 256;

    private readonly byte[] _bits = new byte[Size];

    /// <summary>An empty one.</summary>
    public Bloom()
    {
    }

    /// <exception cref="ArgumentException">The input is not 256 bytes long.</exception>
    public Bloom(ReadOnlySpan<byte> bits)
    {
        if (bits.Length != Size)
            throw new ArgumentException($"a bloom has {Size} bytes, not {bits.Length}", nameof(bits));
        bits.CopyTo(_bits);
    }

    public ReadOnlySpan<byte> Span => _bits;

    /// <summary>True when nothing was ever added.</summary>
    public bool IsEmpty => !_bits.AsSpan().ContainsAnyExcept((byte)0);

    /// <summary>The bloom of a receipt.</summary>
    public static Bloom Of(IEnumerable<LogEntry> logs)
    {
        var bloom = new Bloom();
        foreach (var log in logs)
            bloom.Add(log);
        return bloom;
    }

    /// <summary>The bloom of a block, from those of its receipts.</summary>
    public static Bloom Union(IEnumerable<Bloom> blooms)
    {
        var all = new Bloom();
        foreach (var bloom in blooms)
            all.Or(bloom);
        return all;
    }

    /// <summary>Address and topics; data is not in it.</summary>
    public void Add(LogEntry log)
    {
        Add(log.Address);
        foreach (var topic in log.Topics)
            Add(topic);
    }

    /// <summary>The 20 bytes of a log's address.</summary>
    public void Add(in Address address)
    {
        Span<byte> bytes = stackalloc byte[Address.Size];
        address.CopyTo(bytes);
        Add(bytes);
    }

    /// <summary>The 32 bytes of a log's topic.</summary>
    public void Add(in Hash256 topic)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        topic.CopyTo(bytes);
        Add(bytes);
    }

    /// <summary>Three bits, from the first three pairs of bytes of the item's Keccak-256.</summary>
    public void Add(ReadOnlySpan<byte> item)
    {
        Span<byte> hash = stackalloc byte[32];
        Keccak.Hash(item, hash);
        for (var i = 0; i < 6; i += 2)
        {
            var bit = BitOf(hash, i);
            _bits[Size - 1 - (bit >> 3)] |= (byte)(1 << (bit & 7));
        }
    }

    /// <summary>False means that the item is certainly not in the set.</summary>
    public bool Contains(ReadOnlySpan<byte> item)
    {
        Span<byte> hash = stackalloc byte[32];
        Keccak.Hash(item, hash);
        for (var i = 0; i < 6; i += 2)
        {
            var bit = BitOf(hash, i);
            if ((_bits[Size - 1 - (bit >> 3)] & (1 << (bit & 7))) == 0)
                return false;
        }
        return true;
    }

    /// <summary>False means that no log of this address is in the set.</summary>
    public bool Contains(in Address address)
    {
        Span<byte> bytes = stackalloc byte[Address.Size];
        address.CopyTo(bytes);
        return Contains(bytes);
    }

    /// <summary>False means that no log with this topic is in the set.</summary>
    public bool Contains(in Hash256 topic)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        topic.CopyTo(bytes);
        return Contains(bytes);
    }

    /// <summary>Adds all that is in another.</summary>
    public void Or(Bloom other)
    {
        for (var i = 0; i < Size; i++)
            _bits[i] |= other._bits[i];
    }

    /// <summary>A copy of the 256 bytes.</summary>
    public byte[] ToArray() => (byte[])_bits.Clone();

    public override string ToString() => Hex.ToHex(_bits);

    public bool Equals(Bloom? other) => other is not null && _bits.AsSpan().SequenceEqual(other._bits);

    public override bool Equals(object? obj) => Equals(obj as Bloom);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bits);
        return hash.ToHashCode();
    }

    private static int BitOf(ReadOnlySpan<byte> hash, int pair) => ((hash[pair] << 8) | hash[pair + 1]) & 2047;
}
