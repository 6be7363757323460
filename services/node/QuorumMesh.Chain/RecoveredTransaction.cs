using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>A transaction whose sender was recovered once, at the edge. Pool, minter and execution take nothing else.</summary>
public sealed record RecoveredTransaction(Transaction Tx, Address Sender)
{
    /// <summary>The signers of the authorisation list (EIP-7702), one for each tuple; null for one whose signature is not valid.</summary>
    public IReadOnlyList<Address?> Authorities { get; init; } = [];
}
