namespace QuorumMesh.Evm;

/// <summary>How a frame ended. Everything but <see cref="Success"/> and <see cref="Revert"/> costs the frame all its gas.</summary>
public enum EvmStatus
{
    /// <summary>STOP, RETURN, SELFDESTRUCT, or the end of the code.</summary>
    Success,
    /// <summary>REVERT (EIP-140): the gas left and the output go back to the caller.</summary>
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
    /// <summary>More than 1024 frames above the transaction's own: the call fails and its gas goes back.</summary>
    DepthExceeded,
    /// <summary>The caller lacks the value: the call fails and its gas goes back.</summary>
    InsufficientBalance,
    /// <summary>EIP-170.</summary>
    CodeSizeExceeded,
    /// <summary>A creation where nonce, code or, outside GoQuorum, storage is: its gas is lost (EIP-684, EIP-7610).</summary>
    AddressCollision,
    /// <summary>The gas left does not pay for the new code.</summary>
    CodeStoreOutOfGas,

    /// <summary>EIP-2681.</summary>
    NonceOverflow,

    /// <summary>New code that starts with 0xEF (EIP-3541).</summary>
    InvalidCode,

    /// <summary>EIP-3860.</summary>
    InitCodeTooLarge,
    /// <summary>EIP-211: RETURNDATACOPY past the end.</summary>
    ReturnDataOutOfBounds,
    GasOverflow,
    /// <summary>The precompile refused its input: its gas is lost.</summary>
    PrecompileFailure,
}
