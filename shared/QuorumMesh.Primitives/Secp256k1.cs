using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static QuorumMesh.Primitives.Secp256k1Native;

namespace QuorumMesh.Primitives;

/// <summary>
/// ECDSA with public-key recovery and ECDH on secp256k1, by libsecp256k1. Public keys are the 64 bytes X‖Y. Thread safe.
/// Every member throws <see cref="DllNotFoundException"/> when the library is missing.
/// </summary>
public static unsafe class Secp256k1
{
    public const int PrivateKeySize = 32;
    public const int PublicKeySize = 64;

    /// <summary>r‖s‖recovery id.</summary>
    public const int SignatureSize = 65;

    /// <summary>Order of the group.</summary>
    public static readonly UInt256 Order = new(0xBFD25E8CD0364141, 0xBAAEDCE6AF48A03B, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF);

    /// <summary>Largest s of a signature that Homestead accepts (EIP-2).</summary>
    public static readonly UInt256 HalfOrder = Order >> 1;

    /// <summary>True for 32 bytes from 1 to the order minus 1.</summary>
    public static bool IsValidPrivateKey(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != PrivateKeySize) return false;
        fixed (byte* key = privateKey) return secp256k1_ec_seckey_verify(Context, key) == 1;
    }

    /// <summary>64 bytes X‖Y.</summary>
    /// <exception cref="ArgumentException">Not a valid private key.</exception>
    public static byte[] PublicKey(ReadOnlySpan<byte> privateKey)
    {
        Expect(privateKey, PrivateKeySize, nameof(privateKey));
        byte* point = stackalloc byte[Secp256k1Native.PublicKeySize];
        fixed (byte* key = privateKey)
        {
            if (secp256k1_ec_pubkey_create(Context, point, key) != 1) throw InvalidKey();
        }

        byte[] publicKey = new byte[PublicKeySize];
        Serialize(point, publicKey);
        return publicKey;
    }

    /// <summary>The last 20 bytes of the Keccak-256 of X‖Y.</summary>
    /// <exception cref="ArgumentException">Not 64 bytes.</exception>
    public static Address AddressOf(ReadOnlySpan<byte> publicKey)
    {
        Expect(publicKey, PublicKeySize, nameof(publicKey));
        return Address.FromHash(publicKey);
    }

    /// <summary>r‖s‖recovery id, 65 bytes; s is low (EIP-2), the nonce is deterministic (RFC 6979).</summary>
    /// <exception cref="ArgumentException">Not a valid private key, or the hash is not 32 bytes.</exception>
    public static byte[] Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> hash)
    {
        byte[] signature = new byte[SignatureSize];
        Sign(privateKey, hash, signature);
        return signature;
    }

    /// <summary>As the other form, into the first 65 bytes of the output.</summary>
    /// <exception cref="ArgumentException">Not a valid private key, the hash is not 32 bytes, or the output is too short.</exception>
    public static void Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> hash, Span<byte> signature)
    {
        Expect(privateKey, PrivateKeySize, nameof(privateKey));
        Expect(hash, Hash256.Size, nameof(hash));
        ExpectRoom(signature, SignatureSize, nameof(signature));
        byte* internalForm = stackalloc byte[RecoverableSignatureSize];
        int recoveryId;
        fixed (byte* key = privateKey, message = hash, output = signature)
        {
            // 0: the library's RFC 6979 nonce. Two signatures under one nonce would give the key away.
            if (secp256k1_ecdsa_sign_recoverable(Context, internalForm, message, key, 0, 0) != 1) throw InvalidKey();
            secp256k1_ecdsa_recoverable_signature_serialize_compact(Context, output, &recoveryId, internalForm);
        }

        signature[64] = (byte)recoveryId;
    }

    /// <summary>
    /// Recovers the signer's public key into the first 64 bytes of the output. A high s is accepted: rules about it are the
    /// caller's.
    /// </summary>
    /// <param name="recoveryId">0 to 3; anything else gives false.</param>
    /// <exception cref="ArgumentException">The hash is not 32 bytes, r‖s not 64, or the output is too short.</exception>
    public static bool TryRecover(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> rs, int recoveryId, Span<byte> publicKey)
    {
        Expect(hash, Hash256.Size, nameof(hash));
        Expect(rs, 64, nameof(rs));
        ExpectRoom(publicKey, PublicKeySize, nameof(publicKey));
        // A stranger chose it, and libsecp256k1 aborts the process on an argument that it calls illegal.
        if (recoveryId is < 0 or > 3) return false;
        byte* signature = stackalloc byte[RecoverableSignatureSize];
        byte* point = stackalloc byte[Secp256k1Native.PublicKeySize];
        fixed (byte* message = hash, input = rs)
        {
            if (secp256k1_ecdsa_recoverable_signature_parse_compact(Context, signature, input, recoveryId) != 1) return false;
            if (secp256k1_ecdsa_recover(Context, point, signature, message) != 1) return false;
        }

        Serialize(point, publicKey);
        return true;
    }

    /// <inheritdoc cref="TryRecover"/>
    [SkipLocalsInit]
    public static bool TryRecoverAddress(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> rs, int recoveryId, out Address address)
    {
        Span<byte> publicKey = stackalloc byte[PublicKeySize];
        bool recovered = TryRecover(hash, rs, recoveryId, publicKey);
        address = recovered ? Address.FromHash(publicKey) : default;
        return recovered;
    }

    /// <summary>
    /// Writes the X coordinate of privateKey · publicKey, unhashed, into the first 32 bytes of the output; false for a key that
    /// is not valid.
    /// </summary>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public static bool TryEcdh(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> x)
    {
        Expect(privateKey, PrivateKeySize, nameof(privateKey));
        Expect(publicKey, PublicKeySize, nameof(publicKey));
        ExpectRoom(x, 32, nameof(x));
        byte* point = stackalloc byte[Secp256k1Native.PublicKeySize];
        if (!TryParse(publicKey, point)) return false;
        fixed (byte* key = privateKey, output = x)
        {
            return secp256k1_ecdh(Context, output, point, key, &CopyX, null) == 1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CopyX(byte* output, byte* x, byte* y, void* data)
    {
        // The library would hash it; RLPx's ECIES takes X as it is (devp2p, rlpx.md).
        new ReadOnlySpan<byte>(x, 32).CopyTo(new Span<byte>(output, 32));
        return 1;
    }

    private static bool TryParse(ReadOnlySpan<byte> publicKey, byte* point)
    {
        byte* input = stackalloc byte[1 + PublicKeySize];
        // The uncompressed form (SEC 1, 2.3.3). Parsing checks that the point is on the curve: others would leak the key by ECDH.
        input[0] = 0x04;
        publicKey.CopyTo(new Span<byte>(input + 1, PublicKeySize));
        return secp256k1_ec_pubkey_parse(Context, point, input, 1 + PublicKeySize) == 1;
    }

    private static void Serialize(byte* point, Span<byte> publicKey)
    {
        byte* output = stackalloc byte[1 + PublicKeySize];
        nuint length = 1 + PublicKeySize;
        secp256k1_ec_pubkey_serialize(Context, output, &length, point, EcUncompressed);
        new ReadOnlySpan<byte>(output + 1, PublicKeySize).CopyTo(publicKey);
    }

    private static ArgumentException InvalidKey() =>
        new("The private key is not a number from 1 to the order of secp256k1 minus 1.", "privateKey");

    private static void Expect(ReadOnlySpan<byte> value, int length, string name)
    {
        if (value.Length != length) throw new ArgumentException($"Expected {length} bytes, got {value.Length}.", name);
    }

    private static void ExpectRoom(Span<byte> value, int length, string name)
    {
        if (value.Length < length) throw new ArgumentException($"The output must hold {length} bytes.", name);
    }
}
