using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// How the recipient boxes of one transaction come together when it arrives in parts (tessera 4.6): pushed again for another of our keys,
/// sent signed to further recipients, or given back. Pure, so that a store can run it inside its own transaction.
/// </summary>
public static class BoxMerge
{
    private const string Mismatch = "Invalid existing transaction";

    /// <summary>
    /// What is to be stored: <paramref name="existing"/> itself when it has a box for each key already. New boxes come first, as with
    /// Tessera, unless <paramref name="added"/> goes on from the existing ones.
    /// </summary>
    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/>: both have the hash, but are not parts of one transaction,
    /// or their boxes were made with different nonces.</exception>
    public static EncodedPayload Merge(EncodedPayload existing, EncodedPayload added)
    {
        RequireSame(existing, added);
        if (Contains(existing, added))
            return existing;
        RequireSameBoxes(existing, added);
        // A signed transaction that is sent to further recipients carries the existing boxes first; its order stays as it is.
        return GoesOn(existing, added) ? added : Prepend(existing, added);
    }

    /// <summary>
    /// The box nonce may differ when the key is known already: a sender whose first try failed at another recipient made its boxes anew.
    /// </summary>
    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/>.</exception>
    public static void RequireSame(EncodedPayload existing, EncodedPayload added) => Require(
        existing.SenderKey.Equals(added.SenderKey)
        && existing.CipherText.AsSpan().SequenceEqual(added.CipherText)
        && existing.CipherTextNonce.AsSpan().SequenceEqual(added.CipherTextNonce)
        // The boxes are left out: a payload may come in parts, each with the box of one recipient.
        && existing.PrivacyMode == added.PrivacyMode);

    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/>.</exception>
    public static void RequireSameBoxes(EncodedPayload existing, EncodedPayload added) => Require(
        // A row has one nonce for all its boxes (tessera 3.1): of boxes under two nonces some could never be opened.
        existing.RecipientNonce.AsSpan().SequenceEqual(added.RecipientNonce));

    /// <summary>Whether every recipient of the second is one of the first.</summary>
    public static bool Contains(EncodedPayload existing, EncodedPayload added) =>
        added.RecipientKeys.Count > 0
            ? added.RecipientKeys.All(k => existing.IndexOfRecipient(k) >= 0)
            // Constellation's form names no keys (tessera 3.2): the boxes themselves are compared.
            : added.RecipientBoxes.All(b => existing.RecipientBoxes.Any(e => e.AsSpan().SequenceEqual(b)));

    private static bool GoesOn(EncodedPayload existing, EncodedPayload added) =>
        existing.RecipientKeys.Count > 0
        && HasBoxPerKey(added)
        && added.RecipientKeys.Take(existing.RecipientKeys.Count).SequenceEqual(existing.RecipientKeys);

    private static EncodedPayload Prepend(EncodedPayload existing, EncodedPayload added)
    {
        Require(HasBoxPerKey(added) && HasBoxPerKey(existing));
        int[] missing = [.. Enumerable.Range(0, added.RecipientKeys.Count)
            .Where(i => existing.IndexOfRecipient(added.RecipientKeys[i]) < 0)];
        return existing with
        {
            RecipientKeys = [.. missing.Select(i => added.RecipientKeys[i]), .. existing.RecipientKeys],
            RecipientBoxes = [.. missing.Select(i => added.RecipientBoxes[i]), .. existing.RecipientBoxes],
        };
    }

    private static bool HasBoxPerKey(EncodedPayload payload) => payload.RecipientKeys.Count == payload.RecipientBoxes.Count;

    private static void Require(bool same)
    {
        if (!same)
            throw new PrivacyException(Failure.InvalidPayload, Mismatch);
    }
}
