using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

// What only a genesis of our own has.
public sealed partial record ChainConfig
{
    /// <summary>Seconds under IBFT and QBFT and where the genesis's mark says so, nanoseconds under GoQuorum's Raft.</summary>
    public BlockTimeUnit BlockTimeUnit =>
        Engine != EngineKind.Raft || Mesh is { SecondBlockTimes: true } ? BlockTimeUnit.Seconds : BlockTimeUnit.Nanoseconds;

    /// <summary>
    /// The RPC shows a base fee of 0, by which wallets know that they may send transactions of type 2 (EIP-1559). It is not in
    /// the header.
    /// </summary>
    public bool HasBaseFee(ulong block, CompatibilityProfile profile) =>
        Mesh is { Version: >= QuorumMeshConfig.Current } && ForkAt(block, profile) >= Fork.London;

    /// <summary>
    /// Whether typed transactions may name any fee caps, of which nothing is charged: the effective gas price is 0, and the
    /// balance has to cover the value alone.
    /// </summary>
    public bool AreFeeCapsFree(ulong block, CompatibilityProfile profile) =>
        HasBaseFee(block, profile) && !IsGasPriceEnabled(block, profile);

    /// <summary>Wei per gas that a transaction pays in a block; the base fee is 0 (EIP-1559).</summary>
    public UInt256 EffectiveGasPrice(Transaction tx, ulong block, CompatibilityProfile profile) =>
        tx.Type != TransactionType.Legacy && AreFeeCapsFree(block, profile) ? UInt256.Zero
        : tx.MaxPriorityFee < tx.GasPrice ? tx.MaxPriorityFee
        : tx.GasPrice;
}
