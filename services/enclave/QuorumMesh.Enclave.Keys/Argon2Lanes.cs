using System.Buffers.Binary;
using System.Runtime.InteropServices;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// Argon2 for what libsodium does not take: several lanes (Tessera's default is four), variant d, other salt lengths. The lanes
/// run in parallel and the memory, a GiB by default, is native: it is given back at once.
/// </summary>
internal static unsafe partial class Argon2Lanes
{
    private const int Version = 0x13;
    private const int Slices = 4;
    private const int HashSize = 64;

    public static void Derive(ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, Span<byte> key)
    {
        // Rounded down to whole segments, while the first hash takes the number as it is given (RFC 9106, 3.2: m').
        var laneLength = Slices * (options.Memory / (Slices * options.Parallelism));
        var bytes = (nuint)laneLength * (nuint)options.Parallelism * Argon2Block.Size;
        ulong* memory;
        try
        {
            memory = (ulong*)NativeMemory.AlignedAlloc(bytes, 64);
        }
        catch (OutOfMemoryException)
        {
            throw new InsufficientMemoryException($"Argon2 needs {options.Memory} KiB of memory, which is not to be had");
        }

        try
        {
            var run = new Run(options, memory, laneLength);
            FirstBlocks(options, password, salt, key.Length, memory, laneLength);
            for (var pass = 0; pass < options.Iterations; pass++)
                for (var slice = 0; slice < Slices; slice++)
                {
                    var (p, s) = (pass, slice);
                    // Lanes meet at the end of each slice alone: within one, a segment reads only what other lanes finished
                    // before (RFC 9106, 3.2).
                    Parallel.For(0, options.Parallelism, lane => run.FillSegment(p, lane, s));
                }

            Finish(options, memory, laneLength, key);
        }
        finally
        {
            // What the password was stretched through is a secret like the password.
            NativeMemory.Clear(memory, bytes);
            NativeMemory.AlignedFree(memory);
        }
    }

    private static void FirstBlocks(
        ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int keyLength, ulong* memory, int laneLength)
    {
        using var seed = new SecretBuffer(HashSize + 8);
        using (var input = new SecretBuffer((10 * 4) + password.Length + salt.Length))
        {
            var rest = input.Span;
            foreach (var number in (ReadOnlySpan<int>)[options.Parallelism, keyLength, options.Memory, options.Iterations, Version,
                TypeOf(options.Variant)])
                rest = Put(rest, number);
            rest = Put(rest, password);
            rest = Put(rest, salt);
            // Key files have neither secret nor associated data; their lengths are hashed all the same (RFC 9106, 3.2).
            rest = Put(rest, 0);
            Put(rest, 0);
            Blake2b(input.Span, seed.Span[..HashSize]);
        }

        for (var lane = 0; lane < options.Parallelism; lane++)
            for (var column = 0; column < 2; column++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(seed.Span[HashSize..], column);
                BinaryPrimitives.WriteInt32LittleEndian(seed.Span[(HashSize + 4)..], lane);
                LongHash(seed.Span, new Span<byte>(memory + ((((long)lane * laneLength) + column) * Argon2Block.Words), Argon2Block.Size));
            }
    }

    private static void Finish(ArgonOptions options, ulong* memory, int laneLength, Span<byte> key)
    {
        using var last = new SecretBuffer(Argon2Block.Size);
        var sum = MemoryMarshal.Cast<byte, ulong>(last.Span);
        for (var lane = 0; lane < options.Parallelism; lane++)
        {
            var block = memory + ((((long)lane * laneLength) + laneLength - 1) * Argon2Block.Words);
            for (var i = 0; i < Argon2Block.Words; i++)
                sum[i] ^= block[i];
        }

        LongHash(last.Span, key);
    }

    /// <summary>The variable-length hash H' (RFC 9106, 3.3).</summary>
    private static void LongHash(ReadOnlySpan<byte> input, Span<byte> output)
    {
        using var prefixed = new SecretBuffer(4 + input.Length);
        input.CopyTo(Put(prefixed.Span, output.Length));
        if (output.Length <= HashSize)
        {
            Blake2b(prefixed.Span, output);
            return;
        }

        Span<byte> link = stackalloc byte[HashSize];
        Blake2b(prefixed.Span, link);
        while (true)
        {
            link[..(HashSize / 2)].CopyTo(output);
            output = output[(HashSize / 2)..];
            if (output.Length <= HashSize)
                break;
            Blake2b(link, link);
        }

        Blake2b(link, output);
        link.Clear();
    }

    private static int TypeOf(ArgonVariant variant) => variant switch { ArgonVariant.D => 0, ArgonVariant.I => 1, _ => 2 };

    private static Span<byte> Put(Span<byte> destination, int number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, number);
        return destination[4..];
    }

    private static Span<byte> Put(Span<byte> destination, ReadOnlySpan<byte> text)
    {
        text.CopyTo(Put(destination, text.Length));
        return destination[(4 + text.Length)..];
    }

    private static void Blake2b(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Span<byte> copy = stackalloc byte[HashSize];
        var hash = copy[..output.Length];
        fixed (byte* i = input, o = hash)
            crypto_generichash(o, (nuint)hash.Length, i, (ulong)input.Length, null, 0);
        hash.CopyTo(output);
        copy.Clear();
    }

    [LibraryImport("libsodium")]
    private static partial int crypto_generichash(byte* output, nuint outputLength, byte* input, ulong inputLength, byte* key,
        nuint keyLength);

    /// <summary>One derivation's memory and the filling of its segments (RFC 9106, 3.4).</summary>
    private sealed class Run(ArgonOptions options, ulong* memory, int laneLength)
    {
        private readonly int _segment = laneLength / Slices;
        private readonly int _lanes = options.Parallelism;

        public void FillSegment(int pass, int lane, int slice)
        {
            // Data-independent addresses, by which memory accesses tell nothing of the password: always for i, in the first half
            // of the first pass for id (RFC 9106, 3.4).
            var independent = options.Variant == ArgonVariant.I || (options.Variant == ArgonVariant.Id && pass == 0 && slice < Slices / 2);
            var blocks = stackalloc ulong[3 * Argon2Block.Words];
            new Span<ulong>(blocks, 3 * Argon2Block.Words).Clear();
            ulong* zero = blocks, input = blocks + Argon2Block.Words, addresses = blocks + (2 * Argon2Block.Words);
            (input[0], input[1], input[2]) = ((ulong)pass, (ulong)lane, (ulong)slice);
            (input[3], input[4], input[5]) = ((ulong)laneLength * (ulong)_lanes, (ulong)options.Iterations, (ulong)TypeOf(options.Variant));

            for (var index = pass == 0 && slice == 0 ? 2 : 0; index < _segment; index++)
            {
                var column = (slice * _segment) + index;
                var previous = Block(lane, column == 0 ? laneLength - 1 : column - 1);
                if (independent && (input[6] == 0 || index % Argon2Block.Words == 0))
                {
                    input[6]++;
                    Argon2Block.Fill(zero, input, addresses, keep: false);
                    Argon2Block.Fill(zero, addresses, addresses, keep: false);
                }

                var random = independent ? addresses[index % Argon2Block.Words] : previous[0];
                // In the very first slice no other lane has finished anything that could be read (RFC 9106, 3.4.2).
                var referenceLane = pass == 0 && slice == 0 ? lane : (int)((random >> 32) % (uint)_lanes);
                var reference = Block(referenceLane, ReferenceColumn(pass, slice, index, (uint)random, referenceLane == lane));
                // From the second pass on the old block is XORed in; version 0x10 wrote over it (RFC 9106, 3.2).
                Argon2Block.Fill(previous, reference, Block(lane, column), keep: pass > 0);
            }
        }

        private ulong* Block(int lane, int column) => memory + ((((long)lane * laneLength) + column) * Argon2Block.Words);

        private int ReferenceColumn(int pass, int slice, int index, uint random, bool sameLane)
        {
            var finished = pass == 0 ? slice * _segment : laneLength - _segment;
            var area = (ulong)(sameLane ? finished + index - 1 : index == 0 ? finished - 1 : finished);
            // Squared, so that blocks written lately are read more often (RFC 9106, 3.4.2).
            var square = ((ulong)random * random) >> 32;
            var relative = area - 1 - ((area * square) >> 32);
            var start = pass == 0 || slice == Slices - 1 ? 0 : (ulong)((slice + 1) * _segment);
            return (int)((start + relative) % (ulong)laneLength);
        }
    }
}
