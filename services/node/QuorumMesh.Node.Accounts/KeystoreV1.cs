using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Accounts;

/// <summary>
/// The cipher of key files of version 1 (geth before 2015-09): AES-128-CBC with PKCS#7 padding, under the hash of the derived
/// key.
/// </summary>
internal static class KeystoreV1
{
    private const int KeySize = 32;

    /// <param name="derived">The first 16 bytes of the derived key.</param>
    /// <param name="iv">16 bytes.</param>
    /// <param name="cipher">Whole blocks, whose MAC fits.</param>
    /// <exception cref="KeystoreFormatException">What is inside is no key.</exception>
    public static SecretBytes Open(ReadOnlySpan<byte> derived, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> cipher)
    {
        using var aes = Aes.Create();
        using var hash = new SecretBytes(Keccak.Hash(derived).ToArray());
        aes.SetKey(hash.Span[..16]);
        using var plain = new SecretBytes(cipher.Length);
        try
        {
            if (aes.DecryptCbc(cipher, iv, plain.Span) is var length && length == KeySize) return new SecretBytes(plain.Span[..KeySize]);
            throw new KeystoreFormatException($"the key file holds {length} bytes of key, not {KeySize}");
        }
        catch (CryptographicException e)
        {
            throw new KeystoreFormatException("the key file's padding is wrong", e);
        }
    }
}
