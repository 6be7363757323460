using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Payloads;

/// <summary>
/// What a transaction manager answers to "is this vote on an extension ours?": a vote is a payload that its voter's manager alone can
/// open, and it holds the address of the management contract that was voted on (21:extension/privacyExtension/state_setter.go).
/// </summary>
/// <param name="Hash">The payload with the vote: what was asked for.</param>
/// <param name="Management">What was voted on; null when the vote is not ours, or nobody could tell.</param>
/// <param name="Reason">Why nobody could tell; null when it is settled.</param>
public sealed record VoteAnswer(PayloadHash Hash, Address? Management, string? Reason)
{
    /// <summary>Whether execution can go on with it.</summary>
    public bool IsSettled => Reason is null;

    /// <summary>This participant voted on a management contract.</summary>
    public static VoteAnswer Own(in PayloadHash hash, in Address management) => new(hash, management, null);

    /// <summary>Another participant's, or no vote at all.</summary>
    public static VoteAnswer Foreign(in PayloadHash hash) => new(hash, null, null);

    /// <summary>Never to be taken for another's.</summary>
    public static VoteAnswer Unavailable(in PayloadHash hash, string reason) => new(hash, null, reason);
}
