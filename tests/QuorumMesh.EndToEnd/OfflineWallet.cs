using System.Security.Cryptography;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.EndToEnd;

/// <summary>A wallet outside of any node: signs as GoQuorum's private form.</summary>
internal static class OfflineWallet
{
    public static string SignPrivateCreation(byte[] payloadHash, out string contract)
    {
        var key = new byte[32];
        do RandomNumberGenerator.Fill(key);
        while (!Secp256k1.IsValidPrivateKey(key));
        contract = Address.ForCreate(Secp256k1.AddressOf(Secp256k1.PublicKey(key)), 0).ToString();
        return Hex.ToHex(TransactionSigner.SignPrivate(new Transaction { GasLimit = 4_700_000, Data = payloadHash }, key).Encode());
    }
}
