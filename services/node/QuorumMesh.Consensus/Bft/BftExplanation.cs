using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>Where a height stands, for people.</summary>
/// <param name="View">Height and round of this node.</param>
/// <param name="Proposer">Whose turn it is.</param>
/// <param name="Quorum">Votes that decide.</param>
/// <param name="IsProposed">The round has a proposal.</param>
/// <param name="Locked">Hash of the block that a quorum has prepared; null for none.</param>
/// <param name="LockedIn">The round of that.</param>
/// <param name="RoundEndsIn">Null when the round is not timed.</param>
/// <param name="Validators">In the order of turns, this node included when it is one.</param>
/// <param name="Reasons">Why there is no block yet, in plain sentences, the most telling first; never empty.</param>
public sealed record BftExplanation(
    BftView View,
    Address Proposer,
    int Quorum,
    bool IsProposed,
    Hash256? Locked,
    ulong? LockedIn,
    TimeSpan? RoundEndsIn,
    IReadOnlyList<BftValidatorExplanation> Validators,
    IReadOnlyList<string> Reasons);

/// <summary>What is known of one validator.</summary>
/// <param name="IsSelf">This node.</param>
/// <param name="IsConnected">As the node was told last.</param>
/// <param name="HeardAgo">Since its last message, also by way of others; null when none came since its connection broke.</param>
/// <param name="LastKind">PRE-PREPARE, PREPARE, COMMIT or ROUND-CHANGE; null when it was never heard.</param>
/// <param name="LastView">Of that message.</param>
/// <param name="RoundChange">The highest round that it has asked for at this height.</param>
/// <param name="HasPrepared">Its PREPARE of this round is here.</param>
/// <param name="HasCommitted">Its COMMIT of this round is here.</param>
public sealed record BftValidatorExplanation(
    Address Validator,
    bool IsSelf,
    bool IsConnected,
    TimeSpan? HeardAgo,
    string? LastKind,
    BftView? LastView,
    ulong? RoundChange,
    bool HasPrepared,
    bool HasCommitted);
