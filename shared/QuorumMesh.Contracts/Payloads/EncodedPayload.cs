using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>An encrypted payload as managers exchange and store it (tessera 3.1). Treat the arrays as immutable.</summary>
public sealed record EncodedPayload
{
    /// <summary>The key that boxed the master key.</summary>
    public required PublicKey SenderKey { get; init; }

    /// <summary>16 bytes longer than the plain payload (NaCl).</summary>
    public required byte[] CipherText { get; init; }

    /// <summary>24 bytes.</summary>
    public required byte[] CipherTextNonce { get; init; }

    /// <summary>The master key boxed for each recipient; 48 bytes each. Not always as many as <see cref="RecipientKeys"/>.</summary>
    public required IReadOnlyList<byte[]> RecipientBoxes { get; init; }

    /// <summary>24 bytes, the same for every box.</summary>
    public required byte[] RecipientNonce { get; init; }

    /// <summary>In the order of the boxes where both are equally many; empty in old payloads. A receiver sees its own alone, or
    /// all with its own first.</summary>
    public IReadOnlyList<PublicKey> RecipientKeys { get; init; } = [];

    /// <summary>Who may see whom, and what is proven (tessera 8).</summary>
    public PrivacyMode PrivacyMode { get; init; }

    /// <summary>The creations of the contracts that this one touches; their order is not defined, so no hash is over
    /// it.</summary>
    public IReadOnlyList<AffectedTransaction> AffectedTransactions { get; init; } = [];

    /// <summary>Not empty exactly with <see cref="PrivacyMode.PrivateStateValidation"/>.</summary>
    public byte[] ExecutionHash { get; init; } = [];

    /// <summary>Not empty exactly with <see cref="PrivacyMode.MandatoryRecipients"/>.</summary>
    public IReadOnlyList<PublicKey> MandatoryRecipients { get; init; } = [];

    /// <summary>Null when it was not sent to a group.</summary>
    public byte[]? PrivacyGroupId { get; init; }

    /// <summary>SHA3-512 of the ciphertext: the transaction's hash on the chain. Never the hash of an encoding.</summary>
    public PayloadHash ComputeHash() => Sha3.HashPayload(CipherText);

    /// <summary>-1 for a key that is not listed.</summary>
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

    /// <summary>
    /// What is pushed to one recipient: its box alone, and its key alone (all keys, its own first, with private state
    /// validation).
    /// </summary>
    /// <returns>Null when the key is not a recipient or has no box.</returns>
    public EncodedPayload? ForRecipient(PublicKey key)
    {
        int index = IndexOfRecipient(key);
        if (index < 0 || index >= RecipientBoxes.Count)
        {
            return null;
        }

        // Recipients do not learn of each other, but where all parties must agree on the state (tessera 3.4).
        PublicKey[] keys = PrivacyMode == PrivacyMode.PrivateStateValidation
            ? [key, .. RecipientKeys.Where(k => !k.Equals(key))]
            : [key];
        return this with { RecipientBoxes = [RecipientBoxes[index]], RecipientKeys = keys };
    }
}
