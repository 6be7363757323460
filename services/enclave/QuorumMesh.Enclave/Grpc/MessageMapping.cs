using Google.Protobuf;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Primitives;
using Proto = QuorumMesh.Contracts.Enclave;

namespace QuorumMesh.Enclave.Grpc;

/// <summary>Between the wire's messages and the core's values; refuses wrong lengths.</summary>
internal static class MessageMapping
{
    // Each costs the opening of a box.
    private const int MaxAffected = 1024;

    public static PublicKey Key(ByteString bytes, string field) =>
        bytes.Length == NaClBox.KeySize
            ? new PublicKey(bytes.Span)
            : throw new InvalidCipherException($"{field} has {bytes.Length} bytes, not {NaClBox.KeySize}");

    public static List<PublicKey> Keys(IReadOnlyList<ByteString> list, string field)
    {
        if (list.Count > PayloadSealer.MaxRecipients)
            throw new InvalidCipherException($"{field} has {list.Count} keys, more than {PayloadSealer.MaxRecipients}");
        var keys = new List<PublicKey>(list.Count);
        foreach (var bytes in list)
            keys.Add(Key(bytes, field));
        return keys;
    }

    public static EncodedPayload Sealed(Proto.SealedPayload? message)
    {
        if (message is null)
            throw new InvalidCipherException("the sealed payload is missing");
        if (message.RecipientBoxes.Count > PayloadSealer.MaxRecipients)
            throw new InvalidCipherException($"recipient_boxes has more than {PayloadSealer.MaxRecipients} boxes");
        return new EncodedPayload
        {
            SenderKey = Key(message.SenderKey, "sender_key"),
            CipherText = message.CipherText.ToByteArray(),
            CipherTextNonce = message.CipherTextNonce.ToByteArray(),
            RecipientBoxes = [.. message.RecipientBoxes.Select(b => b.ToByteArray())],
            RecipientNonce = message.RecipientNonce.ToByteArray(),
            RecipientKeys = Keys(message.RecipientKeys, "recipient_keys"),
        };
    }

    public static Proto.SealedPayload Message(EncodedPayload payload)
    {
        var message = new Proto.SealedPayload
        {
            SenderKey = Bytes(payload.SenderKey),
            CipherText = Wrap(payload.CipherText),
            CipherTextNonce = Wrap(payload.CipherTextNonce),
            RecipientNonce = Wrap(payload.RecipientNonce),
        };
        message.RecipientBoxes.AddRange(payload.RecipientBoxes.Select(Wrap));
        message.RecipientKeys.AddRange(payload.RecipientKeys.Select(Bytes));
        return message;
    }

    public static RawPayload Raw(Proto.RawPayload message) => new(
        message.CipherText.ToByteArray(), message.EncryptedKey.ToByteArray(), message.Nonce.ToByteArray(),
        Key(message.SenderKey, "raw.sender_key"));

    public static Proto.RawPayload Message(RawPayload raw) => new()
    {
        CipherText = Wrap(raw.CipherText),
        EncryptedKey = Wrap(raw.EncryptedKey),
        Nonce = Wrap(raw.Nonce),
        SenderKey = Bytes(raw.SenderKey),
    };

    public static List<AffectedPayload> Affected(IReadOnlyList<Proto.AffectedPayload> list)
    {
        if (list.Count > MaxAffected)
            throw new InvalidCipherException($"affected has {list.Count} transactions, more than {MaxAffected}");
        var affected = new List<AffectedPayload>(list.Count);
        foreach (var entry in list)
            affected.Add(new AffectedPayload(Hash(entry.Hash, "affected.hash"), Sealed(entry.Payload)));
        return affected;
    }

    public static List<AffectedTransaction> SecurityHashes(IReadOnlyList<Proto.SecurityHash> list)
    {
        if (list.Count > MaxAffected)
            throw new InvalidCipherException($"security_hashes has {list.Count} entries, more than {MaxAffected}");
        return [.. list.Select(h => new AffectedTransaction(Hash(h.AffectedHash, "affected_hash"), h.SecurityHash_.ToByteArray()))];
    }

    public static ByteString Bytes(PublicKey key) => UnsafeByteOperations.UnsafeWrap(key.Memory);

    /// <summary>Without a copy: the array must not be written to afterwards.</summary>
    public static ByteString Wrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    public static PayloadHash Hash(ByteString bytes, string field) =>
        bytes.Length == PayloadHash.Size ? new PayloadHash(bytes.Span)
            : throw new InvalidCipherException($"{field} has {bytes.Length} bytes, not {PayloadHash.Size}");
}
