namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// A block that a quorum has prepared: IBFT's lock, QBFT's prepared certificate. What may have been decided is among these, so that none is
/// given up but for one of a later round, which needs a quorum as well and so cannot exist beside a decision.
/// </summary>
/// <param name="Round">When it was prepared.</param>
/// <param name="Proposal">The block.</param>
/// <param name="Preprepare">The proposer's message of that round.</param>
/// <param name="Proof">A quorum's votes of that round: PREPAREs; in IBFT also COMMITs, which stand for PREPAREs there.</param>
internal sealed record BftLock(ulong Round, BftProposal Proposal, PreprepareMessage Preprepare, IReadOnlyList<BftMessage> Proof);
