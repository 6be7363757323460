using System.Security.Cryptography;

namespace QuorumMesh.Enclave.Core;

/// <summary>
/// The enclave's Ed25519 key (RFC 8032): X25519 keys cannot sign. It outlives the keys that seal, and signs statements of
/// <see cref="IdentityStatement"/> alone, never bytes that a caller chose.
/// </summary>
public sealed unsafe class IdentityKey : IDisposable
{
    /// <summary>Bytes of the seed, which is the private key as it is kept (RFC 8032, 5.1.5).</summary>
    public const int SeedSize = 32;

    /// <summary>Bytes of the public key.</summary>
    public const int PublicKeySize = 32;

    /// <summary>Bytes of a signature: R‖S.</summary>
    public const int SignatureSize = 64;

    /// <summary>libsodium's own form: seed and public key.</summary>
    private readonly SecretBuffer _secret = new(SeedSize + PublicKeySize);

    private readonly byte[] _publicKey = new byte[PublicKeySize];

    /// <param name="seed">Stays the caller's.</param>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public IdentityKey(SecretBuffer seed)
    {
        ArgumentNullException.ThrowIfNull(seed);
        if (seed.Length != SeedSize)
        {
            _secret.Dispose();
            throw new ArgumentException($"the private key of an identity has {seed.Length} bytes, not {SeedSize}", nameof(seed));
        }
        fixed (byte* s = seed.Span, secret = _secret.Span, p = _publicKey)
            if (Sodium.crypto_sign_seed_keypair(p, secret, s) != 0)
                throw new CryptographicException("the private key of the identity is of no use");
    }

    /// <summary>32 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>64 bytes.</summary>
    /// <exception cref="CryptographicException">The signature does not fit: a fault of memory or processor.</exception>
    public byte[] Sign(IdentityStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var signature = new byte[SignatureSize];
        fixed (byte* secret = _secret.Span, m = statement.Signed, s = signature)
            if (Sodium.crypto_sign_detached(s, null, m, (ulong)statement.Signed.Length, secret) != 0)
                throw new CryptographicException("the statement could not be signed");
        // A signature that a fault has bent gives the private key away (Ed25519 is deterministic): it does not leave.
        return Verify(_publicKey, statement, signature) ? signature
            : throw new CryptographicException("the signature that was made does not fit: check this machine's memory");
    }

    /// <summary>Whether who holds the key has made the statement. Keys of small order and signatures of other forms are refused.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, IdentityStatement statement, ReadOnlySpan<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(statement);
        // A stranger's lengths: an answer, not an exception.
        if (publicKey.Length != PublicKeySize || signature.Length != SignatureSize) return false;
        Sodium.Initialise();
        fixed (byte* p = publicKey, m = statement.Signed, s = signature)
            return Sodium.crypto_sign_verify_detached(s, m, (ulong)statement.Signed.Length, p) == 0;
    }

    public void Dispose() => _secret.Dispose();
}
