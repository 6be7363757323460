using System.Runtime.InteropServices;

namespace QuorumMesh.Enclave.Core;

/// <summary>The functions of libsodium in use.</summary>
internal static unsafe partial class Sodium
{
    private const string Library = "libsodium";

    static Sodium()
    {
        // Opens the source of randomness and picks the code for this processor; before it libsodium is not thread safe.
        if (sodium_init() < 0)
            throw new InvalidOperationException("libsodium could not be initialised");
    }

    /// <summary>Forces the one-time initialisation.</summary>
    public static void Initialise()
    {
    }

    [LibraryImport(Library)]
    private static partial int sodium_init();

    [LibraryImport(Library)]
    internal static partial void* sodium_malloc(nuint size);

    [LibraryImport(Library)]
    internal static partial void sodium_free(void* memory);

    [LibraryImport(Library)]
    internal static partial void sodium_memzero(void* memory, nuint size);

    [LibraryImport(Library)]
    internal static partial int crypto_scalarmult_base(byte* publicKey, byte* privateKey);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_seed_keypair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_detached(byte* signature, ulong* length, byte* message, ulong messageLength, byte* secretKey);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_verify_detached(byte* signature, byte* message, ulong messageLength, byte* publicKey);

    [LibraryImport(Library)]
    internal static partial int crypto_box_beforenm(byte* shared, byte* publicKey, byte* privateKey);

    [LibraryImport(Library)]
    internal static partial int crypto_secretbox_easy(byte* box, byte* message, ulong length, byte* nonce, byte* key);

    [LibraryImport(Library)]
    internal static partial int crypto_secretbox_open_easy(byte* message, byte* box, ulong length, byte* nonce, byte* key);
}
