using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>What a proposer says in its header about who is to be a validator.</summary>
/// <param name="Authorize">To add the candidate; else to drop it.</param>
public readonly record struct ValidatorVote(Address Candidate, bool Authorize);
