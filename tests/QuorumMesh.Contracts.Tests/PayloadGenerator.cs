using CsCheck;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Tests;

internal static class PayloadGenerator
{
    private static readonly Gen<PublicKey> Key = Gen.Byte.Array[32].Select(b => new PublicKey(b));

    private static readonly Gen<AffectedTransaction> Affected =
        Gen.Select(Gen.Byte.Array[64], Gen.Byte.Array[64], (hash, proof) => new AffectedTransaction(new PayloadHash(hash), proof));

    private static readonly Gen<EncodedPayload> Base = Gen.Select(
        Key, Gen.Byte.Array[0, 200], Gen.Byte.Array[48].Array[0, 5], Key.Array[0, 5], Gen.Byte.Array[24],
        (sender, cipherText, boxes, keys, nonce) => new EncodedPayload
        {
            SenderKey = sender,
            CipherText = cipherText,
            CipherTextNonce = nonce,
            RecipientBoxes = boxes,
            RecipientNonce = nonce,
            RecipientKeys = keys,
        });

    public static readonly Gen<EncodedPayload> Payload = Gen.Select(
        Base, Gen.Int[0, 3], Affected.Array[0, 3], Gen.Byte.Array[1, 40], Key.Array[1, 3], Gen.Bool,
        (payload, mode, affected, bytes, mandatory, group) => payload with
        {
            PrivacyMode = (PrivacyMode)mode,
            AffectedTransactions = affected,
            ExecutionHash = mode == 3 ? bytes : [],
            MandatoryRecipients = mode == 2 ? mandatory : [],
            PrivacyGroupId = group ? bytes : null,
        });
}
