using System.Buffers.Binary;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>0x09: BLAKE2b's compression function (EIP-152).</summary>
internal sealed class Blake2FPrecompile : Precompile
{
    private const int InputSize = 213;

    /// <summary>A multiple of the period in which the message words are used, so that the next part goes on where this one ends.</summary>
    private const uint RoundsAtOnce = 100_000 * Blake2B.Period;

    private static readonly ulong[] _iv =
    [
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    ];

    /// <summary>One gas a round.</summary>
    public override ulong Gas(ReadOnlySpan<byte> input) => input.Length == InputSize ? BinaryPrimitives.ReadUInt32BigEndian(input) : 0;

    public override PrecompileFault Explain(ReadOnlySpan<byte> input) =>
        input.Length != InputSize ? PrecompileFault.InputLength : input[^1] > 1 ? PrecompileFault.FinalFlag : PrecompileFault.None;

    public override byte[]? Run(ReadOnlySpan<byte> input) => Run(input, null);

    public override byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop)
    {
        if (input.Length != InputSize || input[^1] > 1) return null;
        uint rounds = BinaryPrimitives.ReadUInt32BigEndian(input);
        Span<ulong> h = stackalloc ulong[8];
        Span<ulong> m = stackalloc ulong[16];
        Span<ulong> v = stackalloc ulong[16];
        for (int i = 0; i < 8; i++) h[i] = BinaryPrimitives.ReadUInt64LittleEndian(input[(4 + 8 * i)..]);
        for (int i = 0; i < 16; i++) m[i] = BinaryPrimitives.ReadUInt64LittleEndian(input[(68 + 8 * i)..]);
        h.CopyTo(v);
        _iv.CopyTo(v[8..]);
        v[12] ^= BinaryPrimitives.ReadUInt64LittleEndian(input[196..]);
        v[13] ^= BinaryPrimitives.ReadUInt64LittleEndian(input[204..]);
        // The mark of the final block (RFC 7693, 3.2).
        if (input[^1] == 1) v[14] = ~v[14];
        for (; rounds > RoundsAtOnce; rounds -= RoundsAtOnce)
        {
            Blake2B.Mix(v, m, RoundsAtOnce);
            Stopping.Check(stop);
        }

        Blake2B.Mix(v, m, rounds);
        byte[] output = new byte[64];
        for (int i = 0; i < 8; i++) BinaryPrimitives.WriteUInt64LittleEndian(output.AsSpan(8 * i), h[i] ^ v[i] ^ v[i + 8]);
        return output;
    }
}
