namespace QuorumMesh.Evm;

/// <summary>
/// What a chain's byte code does differently beside its fork. A profile holds those of its GoQuorum; they go whole from there to
/// the machine, so that a rule stands here, where the profile sets it, and where the machine asks for it.
/// </summary>
public sealed record EvmRules
{
    /// <summary>Plain Ethereum, as public state tests have it.</summary>
    public static EvmRules Ethereum { get; } = new();

    /// <summary>Bytes of deployed code; checked from Spurious Dragon on.</summary>
    public int MaxCodeSize { get; init; } = 24576;

    /// <summary>EIP-170 and the half of EIP-3860 that limits sizes.</summary>
    public bool LimitCodeSize { get; init; } = true;

    /// <summary>GoQuorum's rules: zero-value transfers are skipped, so that no ghost account appears in the public state.</summary>
    public bool IsQuorum { get; init; }

    /// <summary>
    /// A chain with later forks and without Homestead, as GoQuorum 2.5's own documents show one: a creation that cannot pay for
    /// its code leaves an account without code (2.5:core/vm/evm.go create), and at the top its transaction counts as failed all
    /// the same.
    /// </summary>
    public bool LacksHomestead { get; init; }

    /// <summary>
    /// GoQuorum from 2.6 on (geth 1.9's resetObjectChange, which marks nothing as changed, and no zero-value transfer to make up
    /// for it): a call without value to a precompile makes its account; one that an earlier transaction of the block made and
    /// EIP-158 cleared then stays behind, empty.
    /// </summary>
    public bool ClearedPrecompilesStay { get; init; }

    /// <summary>
    /// EXTCODEHASH reads as the other instructions do; up to GoQuorum 20.10 from the current state alone
    /// (21.1:core/vm/instructions.go opExtCodeHash).
    /// </summary>
    public bool ExtCodeHashIsDual { get; init; }

    /// <summary>
    /// STATICCALL touches its target, so that EIP-158 clears an empty one; geth before 1.9, and with it GoQuorum 2.5, does not.
    /// </summary>
    public bool StaticCallTouches { get; init; } = true;
}
