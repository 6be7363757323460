using System.Security.Cryptography;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.EndToEnd;

/// <summary>
/// A wallet outside of any node, with one new account that has no balance and counts its own nonces. For one caller at a time.
/// </summary>
internal sealed class OfflineWallet
{
    private const ulong Gas = 4_700_000;

    private readonly byte[] _key = NewKey();
    private ulong _nonce;

    /// <summary>The contract that the next transaction makes when it is a creation.</summary>
    public string NextContract => Address.ForCreate(Secp256k1.AddressOf(Secp256k1.PublicKey(_key)), _nonce).ToString();

    /// <summary>A raw public transaction.</summary>
    public string Sign(string to, string data, ulong chainId) =>
        Hex.ToHex(TransactionSigner.Sign(Next(to, Hex.FromHex(data)), _key, chainId).Encode());

    /// <summary>A raw transaction in GoQuorum's private form.</summary>
    /// <param name="to">Null creates a contract.</param>
    public string SignPrivate(string? to, byte[] payloadHash) =>
        Hex.ToHex(TransactionSigner.SignPrivate(Next(to, payloadHash), _key).Encode());

    private Transaction Next(string? to, byte[] data) =>
        new() { Nonce = _nonce++, GasLimit = Gas, To = to is null ? null : Address.Parse(to), Data = data };

    private static byte[] NewKey()
    {
        var key = new byte[32];
        do RandomNumberGenerator.Fill(key);
        while (!Secp256k1.IsValidPrivateKey(key));
        return key;
    }
}
