using QuorumMesh.Primitives;

namespace QuorumMesh.State.Store;

/// <summary>As eth_getProof (EIP-1186): RLP nodes from the root down to where the key is or would be.</summary>
/// <param name="Account">Null when absent; the nodes then prove that.</param>
public sealed record StateProof(Address Address, Account? Account, IReadOnlyList<byte[]> AccountNodes, IReadOnlyList<StorageProof> Storage);

/// <summary>One slot of a proof.</summary>
/// /// <param name="Value">Zero when absent; the nodes then prove that.</param>
/// /// <param name="Nodes">From the storage root down; empty for an account without storage.</param>
public sealed record StorageProof(UInt256 Slot, UInt256 Value, IReadOnlyList<byte[]> Nodes);
