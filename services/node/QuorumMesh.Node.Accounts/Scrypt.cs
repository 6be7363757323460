using System.Runtime.InteropServices;

namespace QuorumMesh.Node.Accounts;

/// <summary>scrypt (RFC 7914) by libsodium; its memory lies outside the managed heap and is freed at once.</summary>
internal static unsafe partial class Scrypt
{
    static Scrypt()
    {
        if (sodium_init() < 0)
            throw new InvalidOperationException("libsodium could not be initialised");
    }

    public static void Derive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int n, int r, int p, Span<byte> derived)
    {
        byte none = 0;
        fixed (byte* pw = password, s = salt, d = derived)
            if (crypto_pwhash_scryptsalsa208sha256_ll(
                    pw is null ? &none : pw, (nuint)password.Length, s is null ? &none : s, (nuint)salt.Length,
                    (ulong)n, (uint)r, (uint)p, d, (nuint)derived.Length) != 0)
                throw new KeystoreFormatException($"scrypt with n {n}, r {r}, p {p} is refused or finds no memory");
    }

    [LibraryImport("libsodium")]
    private static partial int sodium_init();

    [LibraryImport("libsodium")]
    private static partial int crypto_pwhash_scryptsalsa208sha256_ll(
        byte* password, nuint passwordLength, byte* salt, nuint saltLength, ulong n, uint r, uint p, byte* output, nuint outputLength);
}
