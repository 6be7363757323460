using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>
/// What storeraw keeps: a ciphertext and its master key, boxed for the sender alone with the ciphertext's own nonce (tessera
/// 4.1).
/// </summary>
public sealed record RawPayload(byte[] CipherText, byte[] EncryptedKey, byte[] Nonce, PublicKey SenderKey)
{
    /// <summary>SHA3-512 of the ciphertext: /sendsignedtx keeps ciphertext and nonce, so that the hash that the client has signed
    /// stays.</summary>
    public PayloadHash ComputeHash() => Sha3.HashPayload(CipherText);
}
