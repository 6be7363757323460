using System.Runtime.InteropServices;

namespace QuorumMesh.Primitives;

/// <summary>Incremental Keccak-256. Not safe for use by several threads at once.</summary>
public sealed class KeccakState
{
    private readonly ulong[] _lanes = new ulong[KeccakSponge.Lanes];
    private int _filled;

    public void Update(ReadOnlySpan<byte> data)
    {
        if (_filled != 0)
        {
            int taken = Math.Min(data.Length, KeccakSponge.Rate256 - _filled);
            Take(data[..taken]);
            data = data[taken..];
        }

        while (data.Length >= KeccakSponge.Rate256)
        {
            KeccakSponge.Absorb(_lanes, data[..KeccakSponge.Rate256]);
            KeccakPermutation.Permute(_lanes);
            data = data[KeccakSponge.Rate256..];
        }

        if (!data.IsEmpty) Take(data);
    }

    private void Take(ReadOnlySpan<byte> data)
    {
        KeccakSponge.AbsorbBytes(_lanes, _filled, data);
        _filled += data.Length;
        if (_filled != KeccakSponge.Rate256) return;
        KeccakPermutation.Permute(_lanes);
        _filled = 0;
    }

    /// <summary>Writes the digest of everything up to now into the first 32 bytes; more data may follow, as RLPx's MACs need.</summary>
    /// <exception cref="ArgumentException">The output is shorter than 32 bytes.</exception>
    public void Digest(Span<byte> output)
    {
        if (output.Length < Hash256.Size) throw new ArgumentException("The output must hold 32 bytes.", nameof(output));
        Span<ulong> lanes = stackalloc ulong[KeccakSponge.Lanes];
        _lanes.CopyTo(lanes);
        KeccakSponge.Pad(lanes, _filled, KeccakSponge.Rate256, KeccakSponge.KeccakDomain);
        KeccakPermutation.Permute(lanes);
        MemoryMarshal.AsBytes(lanes)[..Hash256.Size].CopyTo(output);
    }

    public Hash256 Digest()
    {
        Span<byte> output = stackalloc byte[Hash256.Size];
        Digest(output);
        return new Hash256(output);
    }

    /// <summary>Writes the digest and starts again from nothing.</summary>
    public void Finish(Span<byte> output)
    {
        Digest(output);
        Reset();
    }

    public void Reset()
    {
        Array.Clear(_lanes);
        _filled = 0;
    }

    public KeccakState Clone()
    {
        KeccakState copy = new() { _filled = _filled };
        _lanes.CopyTo(copy._lanes, 0);
        return copy;
    }
}
