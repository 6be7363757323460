using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>All randomness one side of a handshake uses.</summary>
/// <param name="EphemeralKey">32 bytes, a valid private key.</param>
/// <param name="Nonce">32 bytes.</param>
/// <param name="EciesKey">32 bytes, a valid private key.</param>
/// <param name="EciesIv">16 bytes.</param>
/// <param name="Padding">100 to 300 bytes behind the EIP-8 body.</param>
public sealed record HandshakeRandom(byte[] EphemeralKey, byte[] Nonce, byte[] EciesKey, byte[] EciesIv, byte[] Padding)
{
    /// <summary>Fresh randomness for one handshake; never to be used twice.</summary>
    public static HandshakeRandom Create() => new(
        PrivateKey(),
        RandomNumberGenerator.GetBytes(32),
        PrivateKey(),
        RandomNumberGenerator.GetBytes(16),
        // EIP-8: at least 100 random bytes, so that sizes vary and are above the plain form's.
        RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(100, 301)));

    private static byte[] PrivateKey()
    {
        var key = new byte[32];
        do
            RandomNumberGenerator.Fill(key);
        while (!Secp256k1.IsValidPrivateKey(key));
        return key;
    }
}
