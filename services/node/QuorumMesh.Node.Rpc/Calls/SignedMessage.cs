using System.Globalization;
using System.Text;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>Messages as eth_sign and personal_sign sign them: with a prefix, so that none can be a transaction.</summary>
internal static class SignedMessage
{
    private const byte RecoveryBase = 27;

    public static Hash256 Hash(ReadOnlySpan<byte> message)
    {
        var prefix = Encoding.ASCII.GetBytes("\x19" + "Ethereum Signed Message:\n" + message.Length.ToString(CultureInfo.InvariantCulture));
        return Keccak.Hash([.. prefix, .. message]);
    }

    /// <summary>r‖s‖v with v 27 or 28.</summary>
    public static byte[] WithRecoveryByte(byte[] signature)
    {
        var result = (byte[])signature.Clone();
        result[64] += RecoveryBase;
        return result;
    }

    /// <summary>Who signed; null when the signature fits nobody. v must be 27 or 28.</summary>
    public static Address? Recover(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Span<byte> hash = stackalloc byte[Hash256.Size];
        Hash(message).CopyTo(hash);
        return Secp256k1.TryRecoverAddress(hash, signature[..64], signature[64] - RecoveryBase, out var address) ? address : null;
    }
}
