namespace QuorumMesh.Evm;

/// <summary>How a frame ended. Everything but <see cref="Success"/> and <see cref="Revert"/> costs the frame all its gas.</summary>
public enum EvmStatus
{
    Success,
    Revert,
    OutOfGas,
    StackUnderflow,
    StackOverflow,
    InvalidJump,
    InvalidOpcode,

    /// <summary>A writing opcode under STATICCALL (EIP-214).</summary>
    WriteProtection,

    /// <summary>A private frame tried to change public state: GoQuorum's "VM in read-only mode".</summary>
    QuorumReadOnly,
    DepthExceeded,
    InsufficientBalance,
    CodeSizeExceeded,
    AddressCollision,
    CodeStoreOutOfGas,

    /// <summary>EIP-2681.</summary>
    NonceOverflow,

    /// <summary>New code that starts with 0xEF (EIP-3541).</summary>
    InvalidCode,

    /// <summary>EIP-3860.</summary>
    InitCodeTooLarge,
    ReturnDataOutOfBounds,
    GasOverflow,
    PrecompileFailure,
}
