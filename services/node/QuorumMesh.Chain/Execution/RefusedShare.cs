using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>A contract's state that was shared with this participant and could not be taken: it has no code for the contract.</summary>
/// <param name="Management">The extension's management contract.</param>
/// <param name="Reason">For operators.</param>
public sealed record RefusedShare(Address Management, Address Contract, string Reason);
