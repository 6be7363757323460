using Google.Protobuf;
using QuorumMesh.Enclave.Core;
using Proto = QuorumMesh.Contracts.Enclave;

namespace QuorumMesh.Enclave.Grpc;

/// <summary>Between the wire's messages and the core's values; refuses wrong lengths.</summary>
internal static class MessageMapping
{
    private const int HashSize = 64;
    private const int MaxAffected = 1024;

    public static PublicKey Key(ByteString bytes, string field) =>
        bytes.Length == PublicKey.Size
            ? new PublicKey(bytes.Span)
            : throw new InvalidCipherException($"{field} has {bytes.Length} bytes, not {PublicKey.Size}");

    public static List<PublicKey> Keys(IReadOnlyList<ByteString> list, string field)
    {
        if (list.Count > PayloadSealer.MaxRecipients)
            throw new InvalidCipherException($"{field} has {list.Count} keys, more than {PayloadSealer.MaxRecipients}");
        var keys = new List<PublicKey>(list.Count);
        foreach (var bytes in list)
            keys.Add(Key(bytes, field));
        return keys;
    }

    public static SealedPayload Sealed(Proto.SealedPayload? message)
    {
        if (message is null)
            throw new InvalidCipherException("the sealed payload is missing");
        if (message.RecipientBoxes.Count > PayloadSealer.MaxRecipients)
            throw new InvalidCipherException($"recipient_boxes has more than {PayloadSealer.MaxRecipients} boxes");
        return new SealedPayload(
            Key(message.SenderKey, "sender_key"),
            message.CipherText.ToByteArray(),
            message.CipherTextNonce.ToByteArray(),
            [.. message.RecipientBoxes.Select(b => b.ToByteArray())],
            message.RecipientNonce.ToByteArray(),
            Keys(message.RecipientKeys, "recipient_keys"));
    }

    public static Proto.SealedPayload Message(SealedPayload payload)
    {
        var message = new Proto.SealedPayload
        {
            SenderKey = Bytes(payload.Sender),
            CipherText = Wrap(payload.CipherText),
            CipherTextNonce = Wrap(payload.CipherTextNonce),
            RecipientNonce = Wrap(payload.RecipientNonce),
        };
        message.RecipientBoxes.AddRange(payload.RecipientBoxes.Select(Wrap));
        message.RecipientKeys.AddRange(payload.RecipientKeys.Select(Bytes));
        return message;
    }

    public static RawPayload Raw(Proto.RawPayload message) => new(
        message.CipherText.ToByteArray(), message.EncryptedKey.ToByteArray(), message.Nonce.ToByteArray(), Key(message.SenderKey, "raw.sender_key"));

    public static Proto.RawPayload Message(RawPayload raw) => new()
    {
        CipherText = Wrap(raw.CipherText),
        EncryptedKey = Wrap(raw.EncryptedKey),
        Nonce = Wrap(raw.Nonce),
        SenderKey = Bytes(raw.Sender),
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

    public static List<SecurityHash> SecurityHashes(IReadOnlyList<Proto.SecurityHash> list)
    {
        if (list.Count > MaxAffected)
            throw new InvalidCipherException($"security_hashes has {list.Count} entries, more than {MaxAffected}");
        return [.. list.Select(h => new SecurityHash(Hash(h.AffectedHash, "affected_hash"), h.SecurityHash_.ToByteArray()))];
    }

    public static ByteString Bytes(PublicKey key) => Wrap(key.ToArray());

    /// <summary>Without a copy: the array must not be written to afterwards.</summary>
    public static ByteString Wrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static byte[] Hash(ByteString bytes, string field) =>
        bytes.Length == HashSize ? bytes.ToByteArray() : throw new InvalidCipherException($"{field} has {bytes.Length} bytes, not {HashSize}");
}
