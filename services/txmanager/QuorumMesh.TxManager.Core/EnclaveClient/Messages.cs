using Google.Protobuf;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Enclave;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using RawPayload = QuorumMesh.Contracts.Payloads.RawPayload;

namespace QuorumMesh.TxManager.Core.EnclaveClient;

/// <summary>Between the core's values and enclave.proto. Arrays are wrapped without a copy: nobody writes to them.</summary>
internal static class Messages
{
    public static PublicKey Key(ByteString bytes) => new(bytes.Span);

    public static ByteString Bytes(PublicKey key) => UnsafeByteOperations.UnsafeWrap(key.Memory);

    public static SealedPayload Sealed(EncodedPayload payload)
    {
        var message = new SealedPayload
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

    public static EncodedPayload Sealed(SealedPayload message) => new()
    {
        SenderKey = Key(message.SenderKey),
        CipherText = message.CipherText.ToByteArray(),
        CipherTextNonce = message.CipherTextNonce.ToByteArray(),
        RecipientBoxes = [.. message.RecipientBoxes.Select(b => b.ToByteArray())],
        RecipientNonce = message.RecipientNonce.ToByteArray(),
        RecipientKeys = [.. message.RecipientKeys.Select(Key)],
    };

    public static Contracts.Enclave.RawPayload Raw(RawPayload raw) => new()
    {
        CipherText = Wrap(raw.CipherText),
        EncryptedKey = Wrap(raw.EncryptedKey),
        Nonce = Wrap(raw.Nonce),
        SenderKey = Bytes(raw.SenderKey),
    };

    public static RawPayload Raw(Contracts.Enclave.RawPayload message) => new(
        message.CipherText.ToByteArray(), message.EncryptedKey.ToByteArray(), message.Nonce.ToByteArray(), Key(message.SenderKey));

    public static Contracts.Enclave.AffectedPayload Affected(Contracts.Payloads.AffectedPayload affected) =>
        new() { Hash = Wrap(affected.Hash.ToArray()), Payload = Sealed(affected.Payload) };

    public static SecurityHash Proof(AffectedTransaction affected) =>
        new() { AffectedHash = Wrap(affected.Hash.ToArray()), SecurityHash_ = Wrap(affected.SecurityHash) };

    public static AffectedTransaction Proof(SecurityHash proof) =>
        new(new PayloadHash(proof.AffectedHash.Span), proof.SecurityHash_.ToByteArray());

    private static ByteString Wrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);
}
