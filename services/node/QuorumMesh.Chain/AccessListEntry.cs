using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>One address of an EIP-2930 access list with its storage slots.</summary>
public sealed record AccessListEntry(Address Address, IReadOnlyList<UInt256> StorageKeys);
