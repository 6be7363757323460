using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// How the recipient boxes of one transaction come together when it arrives in parts (tessera 4.6): pushed again for another of our keys,
/// sent signed to further recipients, or given back. Pure, so that a store can run it inside its own transaction.
/// </summary>
public static class BoxMerge
{
    internal const string Mismatch = "Invalid existing transaction";

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
        && existing.PrivacyMode == added.PrivacyMode
        && existing.ExecutionHash.AsSpan().SequenceEqual(added.ExecutionHash)
        // Affected transactions too: which of them are left depends on what the receiver had when each part came.
        && existing.MandatoryRecipients.ToHashSet().SetEquals(added.MandatoryRecipients));

    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/>.</exception>
    public static void RequireSameBoxes(EncodedPayload existing, EncodedPayload added) => Require(
        // A row has one nonce for all its boxes (tessera 3.1): of boxes under two nonces some could never be opened.
        existing.RecipientNonce.AsSpan().SequenceEqual(added.RecipientNonce));

    /// <summary>Whether every recipient of the second is one of the first.</summary>
    public static bool Contains(EncodedPayload existing, EncodedPayload added) =>
        added.RecipientKeys.Count > 0
            ? Boxed(added).All(Boxed(existing).Contains)
            // Constellation's form names no keys (tessera 3.2): the boxes themselves are compared.
            : added.RecipientBoxes.All(b => existing.RecipientBoxes.Any(e => e.AsSpan().SequenceEqual(b)));

    /// <summary>
    /// The keys that there are boxes for: all, but for what a receiver of private state validation has, which names all parties, those with
    /// boxes first (tessera 3.4).
    /// </summary>
    internal static IEnumerable<PublicKey> Boxed(EncodedPayload payload) => payload.PrivacyMode == PrivacyMode.PrivateStateValidation
        ? payload.RecipientKeys.Take(payload.RecipientBoxes.Count) : payload.RecipientKeys;

    private static bool GoesOn(EncodedPayload existing, EncodedPayload added) =>
        existing.RecipientKeys.Count > 0
        && HasBoxPerKey(added)
        && added.RecipientKeys.Take(existing.RecipientKeys.Count).SequenceEqual(existing.RecipientKeys);

    private static EncodedPayload Prepend(EncodedPayload existing, EncodedPayload added)
    {
        Require(HasBoxPerKey(added) && HasBoxPerKey(existing));
        HashSet<PublicKey> known = [.. Boxed(existing)];
        int[] missing = [.. Enumerable.Range(0, added.RecipientBoxes.Count).Where(i => !known.Contains(added.RecipientKeys[i]))];
        PublicKey[] first = [.. missing.Select(i => added.RecipientKeys[i])];
        return existing with
        {
            RecipientKeys = [.. first, .. existing.RecipientKeys.Except(first)],
            RecipientBoxes = [.. missing.Select(i => added.RecipientBoxes[i]), .. existing.RecipientBoxes],
        };
    }

    private static bool HasBoxPerKey(EncodedPayload payload) => payload.PrivacyMode == PrivacyMode.PrivateStateValidation
        ? payload.RecipientKeys.Count >= payload.RecipientBoxes.Count
        : payload.RecipientKeys.Count == payload.RecipientBoxes.Count;

    private static void Require(bool same)
    {
        if (!same)
            throw new PrivacyException(Failure.InvalidPayload, Mismatch);
    }
}
