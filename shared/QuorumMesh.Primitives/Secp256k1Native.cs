using System.Reflection;
using System.Runtime.InteropServices;

namespace QuorumMesh.Primitives;

/// <summary>
/// The C interface of libsecp256k1. The library aborts the process on arguments it calls illegal, so callers check first.
/// </summary>
internal static unsafe partial class Secp256k1Native
{
    public const string Library = "libsecp256k1.so.1";
    public const uint ContextSignVerify = 0x0301;
    public const uint EcUncompressed = 0x0002;
    public const int PublicKeySize = 64;
    public const int RecoverableSignatureSize = 65;

    /// <summary>One shared context: the library only reads it, so threads need no lock.</summary>
    /// <exception cref="DllNotFoundException">The library is neither beside the program nor in the system.</exception>
    public static nint Context => Shared.Value;

    // Made at first use, and tried again by the next one where the library was not there.
    private static readonly Lazy<nint> Shared = new(CreateContext, LazyThreadSafetyMode.PublicationOnly);

    static Secp256k1Native() => NativeLibrary.SetDllImportResolver(typeof(Secp256k1Native).Assembly, Resolve);

    private static nint CreateContext() => secp256k1_context_create(ContextSignVerify);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library) return 0;
        if (NativeLibrary.TryLoad(Path.Combine(AppContext.BaseDirectory, Library), out nint handle)) return handle;
        if (NativeLibrary.TryLoad(Library, out handle)) return handle;
        throw new DllNotFoundException(
            $"{Library} is neither beside the program nor installed: run `apt install libsecp256k1-1` or `make deps`.");
    }

    [LibraryImport(Library)]
    private static partial nint secp256k1_context_create(uint flags);

    [LibraryImport(Library)]
    public static partial int secp256k1_ec_seckey_verify(nint context, byte* privateKey);

    [LibraryImport(Library)]
    public static partial int secp256k1_ec_pubkey_create(nint context, byte* publicKey, byte* privateKey);

    [LibraryImport(Library)]
    public static partial int secp256k1_ec_pubkey_parse(nint context, byte* publicKey, byte* input, nuint inputLength);

    [LibraryImport(Library)]
    public static partial int secp256k1_ec_pubkey_serialize(nint context, byte* output, nuint* outputLength, byte* publicKey, uint flags);

    [LibraryImport(Library)]
    public static partial int secp256k1_ecdsa_sign_recoverable(
        nint context, byte* signature, byte* hash, byte* privateKey, nint nonceFunction, nint nonceData);

    [LibraryImport(Library)]
    public static partial int secp256k1_ecdsa_recoverable_signature_serialize_compact(
        nint context, byte* output, int* recoveryId, byte* signature);

    [LibraryImport(Library)]
    public static partial int secp256k1_ecdsa_recoverable_signature_parse_compact(
        nint context, byte* signature, byte* input, int recoveryId);

    [LibraryImport(Library)]
    public static partial int secp256k1_ecdsa_recover(nint context, byte* publicKey, byte* signature, byte* hash);

    [LibraryImport(Library)]
    public static partial int secp256k1_ecdh(
        nint context, byte* output, byte* publicKey, byte* privateKey, delegate* unmanaged[Cdecl]<byte*, byte*, byte*, void*, int> hash,
        void* data);
}
