using System.Runtime.InteropServices;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Argon2 version 0x13 (RFC 9106), 32 bytes out, by libsodium where it can: one lane and a salt of 16 bytes.</summary>
internal static unsafe partial class Argon2
{
    private const int KeySize = 32;
    private const int SodiumSaltSize = 16;
    private const int SodiumMinIterations = 3;

    /// <exception cref="InsufficientMemoryException">The memory that the options ask for is not to be had.</exception>
    public static SecretBuffer Derive(ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        var key = new SecretBuffer(KeySize);
        try
        {
            // crypto_pwhash knows no variant d, has one lane, a salt of 16 bytes, and takes Argon2i from 3 passes on.
            if (options.Variant != ArgonVariant.D && options.Parallelism == 1 && salt.Length == SodiumSaltSize
                && options.Iterations >= SodiumMinIterations)
                BySodium(options, password, salt, key.Span);
            else
                Argon2Lanes.Derive(options, password, salt, key.Span);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static void BySodium(ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, Span<byte> key)
    {
        byte none = 0;
        fixed (byte* k = key, p = password, s = salt)
            if (crypto_pwhash(k, KeySize, p is null ? &none : p, (ulong)password.Length, s, (ulong)options.Iterations,
                    (nuint)options.Memory * 1024, options.Variant == ArgonVariant.I ? 1 : 2) != 0)
                throw new InsufficientMemoryException($"Argon2 needs {options.Memory} KiB of memory, which is not to be had");
    }

    [LibraryImport("libsodium")]
    private static partial int crypto_pwhash(
        byte* output, ulong outputLength, byte* password, ulong passwordLength, byte* salt, ulong opsLimit, nuint memLimit, int algorithm);
}
