using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Argon2 version 0x13, 32 bytes out. libsodium where it can, which is one lane and a salt of 16 bytes; else BouncyCastle.</summary>
internal static unsafe partial class Argon2
{
    private const int KeySize = 32;
    private const int SodiumSaltSize = 16;
    private const int SodiumMinIterations = 3;

    public static SecretBuffer Derive(ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        var algorithm = options.Variant switch { ArgonVariant.I => 1, ArgonVariant.Id => 2, _ => 0 };
        return algorithm != 0 && options.Parallelism == 1 && salt.Length == SodiumSaltSize && options.Iterations >= SodiumMinIterations
            ? BySodium(options, password, salt, algorithm)
            : ByBouncyCastle(options, password, salt);
    }

    private static SecretBuffer BySodium(ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int algorithm)
    {
        var key = new SecretBuffer(KeySize);
        byte none = 0;
        fixed (byte* k = key.Span, p = password, s = salt)
            if (crypto_pwhash(k, KeySize, p is null ? &none : p, (ulong)password.Length, s, (ulong)options.Iterations,
                    (nuint)options.Memory * 1024, algorithm) != 0)
                throw new InsufficientMemoryException($"Argon2 needs {options.Memory} KiB of memory, which is not to be had");
        return key;
    }

    private static SecretBuffer ByBouncyCastle(ArgonOptions options, ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        var variant = options.Variant switch
        {
            ArgonVariant.D => Argon2Parameters.Argon2d,
            ArgonVariant.I => Argon2Parameters.Argon2i,
            _ => Argon2Parameters.Argon2id,
        };
        var generator = new Argon2BytesGenerator();
        generator.Init(new Argon2Parameters.Builder(variant)
            .WithVersion(Argon2Parameters.Version13)
            .WithIterations(options.Iterations)
            .WithMemoryAsKB(options.Memory)
            .WithParallelism(options.Parallelism)
            .WithSalt(salt.ToArray())
            .Build());
        var pinnedPassword = GC.AllocateUninitializedArray<byte>(password.Length, pinned: true);
        var pinnedKey = GC.AllocateUninitializedArray<byte>(KeySize, pinned: true);
        try
        {
            password.CopyTo(pinnedPassword);
            generator.GenerateBytes(pinnedPassword, pinnedKey);
            return SecretBuffer.CopyOf(pinnedKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pinnedPassword);
            CryptographicOperations.ZeroMemory(pinnedKey);
            // A GiB of blocks must not stay on the heap of a small service.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    [LibraryImport("libsodium")]
    private static partial int crypto_pwhash(
        byte* output, ulong outputLength, byte* password, ulong passwordLength, byte* salt, ulong opsLimit, nuint memLimit, int algorithm);
}
