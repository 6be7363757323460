using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>An encrypted payload as managers exchange and store it (tessera 3.1). Treat the arrays as immutable.</summary>
public sealed record EncodedPayload
{
    public required PublicKey SenderKey { get; init; }

    /// <summary>16 bytes longer than the plain payload (NaCl).</summary>
    public required byte[] CipherText { get; init; }

    /// <summary>24 bytes.</summary>
    public required byte[] CipherTextNonce { get; init; }

    /// <summary>The master key boxed for each recipient; 48 bytes each. Not always as many as <see cref="RecipientKeys"/>.</summary>
    public required IReadOnlyList<byte[]> RecipientBoxes { get; init; }

    /// <summary>24 bytes, the same for every box.</summary>
    public required byte[] RecipientNonce { get; init; }

    public IReadOnlyList<PublicKey> RecipientKeys { get; init; } = [];

    public PrivacyMode PrivacyMode { get; init; }

    public IReadOnlyList<AffectedTransaction> AffectedTransactions { get; init; } = [];

    /// <summary>Not empty exactly with <see cref="PrivacyMode.PrivateStateValidation"/>.</summary>
    public byte[] ExecutionHash { get; init; } = [];

    /// <summary>Not empty exactly with <see cref="PrivacyMode.MandatoryRecipients"/>.</summary>
    public IReadOnlyList<PublicKey> MandatoryRecipients { get; init; } = [];

    public byte[]? PrivacyGroupId { get; init; }

    /// <summary>SHA3-512 of the ciphertext: the transaction's hash on the chain. Never the hash of an encoding.</summary>
    public PayloadHash ComputeHash() => Sha3.HashPayload(CipherText);

    public int IndexOfRecipient(PublicKey key)
    {
        for (int i = 0; i < RecipientKeys.Count; i++)
        {
            if (RecipientKeys[i].Equals(key))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>What is pushed to one recipient: its box alone, and its key alone (all keys, its own first, with private state validation).</summary>
    /// <returns>Null when the key is not a recipient or has no box.</returns>
    public EncodedPayload? ForRecipient(PublicKey key)
    {
        int index = IndexOfRecipient(key);
        if (index < 0 || index >= RecipientBoxes.Count)
        {
            return null;
        }

        PublicKey[] keys = PrivacyMode == PrivacyMode.PrivateStateValidation
            ? [key, .. RecipientKeys.Where(k => !k.Equals(key))]
            : [key];
        return this with { RecipientBoxes = [RecipientBoxes[index]], RecipientKeys = keys };
    }
}
