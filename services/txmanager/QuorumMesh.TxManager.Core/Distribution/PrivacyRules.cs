using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// What privacy flags ask of a transaction and those that it builds on, at its sender and at a receiver (tessera 8.2, 8.3). Pure.
/// </summary>
public static class PrivacyRules
{
    /// <summary>Whether a transaction may be sent to these recipients, the sender among them.</summary>
    /// <param name="affected">All that it names.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>, in Tessera's words.</exception>
    public static void RequireSendable(
        PrivacyOptions privacy, IReadOnlyList<PublicKey> recipients, IReadOnlyList<AffectedPayload> affected)
    {
        if (privacy.Mandatory.Except(recipients).Any())
            throw Violation("One or more mandatory recipients not included in the participant list");
        foreach (var (hash, payload) in affected)
        {
            // The recipients come before the flags, as with Tessera (13.2).
            if (privacy.Mode == PrivacyMode.PrivateStateValidation && !HasSame(payload.RecipientKeys, recipients))
                throw RecipientsMismatched(hash);
            if (payload.PrivacyMode != privacy.Mode || payload.MandatoryRecipients.Except(privacy.Mandatory).Any())
                throw Violation($"Privacy metadata mismatched with Affected Txn {hash.ToBase64()}");
        }
    }

    /// <summary>
    /// Whether what a peer pushed is to be stored. False: it is passed over and acknowledged all the same, for the sender must not find out
    /// who is a party to what.
    /// </summary>
    /// <param name="affected">Those that it names and that are stored here.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: all parties know each other, so that it is told.</exception>
    public static bool IsAcceptable(EncodedPayload pushed, IReadOnlyList<AffectedPayload> affected)
    {
        if (affected.Any(a => a.Payload.PrivacyMode != pushed.PrivacyMode))
            return false;
        return pushed.PrivacyMode switch
        {
            PrivacyMode.MandatoryRecipients =>
                !affected.SelectMany(a => a.Payload.MandatoryRecipients).Except(pushed.MandatoryRecipients).Any(),
            PrivacyMode.PrivateStateValidation => IsOfOneStatesParties(pushed, affected),
            _ => true,
        };
    }

    /// <summary>What a receiver keeps when some of the named transactions could not be proven to it.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/> with private state validation.</exception>
    public static EncodedPayload WithoutUnproven(EncodedPayload pushed, IReadOnlyList<PayloadHash> invalid)
    {
        if (invalid.Count == 0)
            return pushed;
        if (pushed.PrivacyMode == PrivacyMode.PrivateStateValidation)
            throw Violation($"Invalid security hashes identified for PSC TX TxHash[{pushed.ComputeHash().ToBase64()}]. "
                + $"Invalid ACOTHs: {string.Join(", ", invalid.Select(h => h.ToBase64()))}");
        return pushed with { AffectedTransactions = [.. pushed.AffectedTransactions.Where(a => !invalid.Contains(a.Hash))] };
    }

    private static bool IsOfOneStatesParties(EncodedPayload pushed, IReadOnlyList<AffectedPayload> affected)
    {
        // One that we do not have: somebody would make us a party to a contract that we are none of.
        if (affected.Count != pushed.AffectedTransactions.Select(a => a.Hash).Distinct().Count())
            return false;
        if (affected.Any(a => a.Payload.IndexOfRecipient(pushed.SenderKey) < 0))
            return false;
        foreach (var (hash, payload) in affected)
            if (!HasSame(payload.RecipientKeys, pushed.RecipientKeys))
                throw RecipientsMismatched(hash);
        return true;
    }

    private static bool HasSame(IReadOnlyList<PublicKey> one, IReadOnlyList<PublicKey> other) => one.ToHashSet().SetEquals(other);

    private static PrivacyException RecipientsMismatched(in PayloadHash hash) =>
        Violation($"Recipients mismatched for Affected Txn {hash.ToBase64()}");

    private static PrivacyException Violation(string text) => new(Failure.Forbidden, text);
}
