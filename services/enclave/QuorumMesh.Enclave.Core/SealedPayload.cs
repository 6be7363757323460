namespace QuorumMesh.Enclave.Core;

/// <summary>Tessera's EncodedPayload without its metadata.</summary>
/// <param name="CipherText">16 bytes of tag, then the encrypted payload.</param>
/// <param name="RecipientBoxes">The master key boxed for each recipient, 48 bytes each, all with <paramref name="RecipientNonce"/>.</param>
public sealed record SealedPayload(
    PublicKey Sender,
    byte[] CipherText,
    byte[] CipherTextNonce,
    IReadOnlyList<byte[]> RecipientBoxes,
    byte[] RecipientNonce,
    IReadOnlyList<PublicKey> RecipientKeys);

/// <summary>A payload stored for its sender alone (storeraw).</summary>
/// <param name="EncryptedKey">The master key boxed for the sender with <paramref name="Nonce"/>, which the ciphertext uses too.</param>
public sealed record RawPayload(byte[] CipherText, byte[] EncryptedKey, byte[] Nonce, PublicKey Sender);

/// <summary>An earlier transaction that a new one builds on, by its 64-byte hash.</summary>
public sealed record AffectedPayload(byte[] Hash, SealedPayload Payload);

/// <summary>SHA3-512 of new ciphertext, affected ciphertext and affected master key: proves that its maker could open the affected one.</summary>
public sealed record SecurityHash(byte[] AffectedHash, byte[] Value);

/// <param name="KeyUsed">The key of ours that opened it.</param>
public sealed record OpenedPayload(byte[] Payload, PublicKey KeyUsed);

/// <summary>Fills a span with random bytes fit for keys.</summary>
public delegate void RandomFill(Span<byte> destination);
