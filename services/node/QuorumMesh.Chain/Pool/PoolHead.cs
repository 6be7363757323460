using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>What the pool needs of the public head.</summary>
/// <param name="Number">Of the head block; the next block's rules apply to pooled transactions.</param>
/// <param name="GasLimit">Of the head block.</param>
/// <param name="State">Nonce and balance of an account in the public state.</param>
public sealed record PoolHead(ulong Number, ulong GasLimit, Func<Address, (ulong Nonce, UInt256 Balance)> State);
