namespace QuorumMesh.Chain.Execution;

/// <summary>Why a transaction cannot be in a block at this place. It has changed nothing then.</summary>
public enum TransactionInvalid
{
    /// <summary>It may be in the block.</summary>
    None,
    NonceTooLow,
    NonceTooHigh,

    /// <summary>EIP-2681.</summary>
    NonceMax,
    InsufficientFunds,
    InsufficientBalanceForTransfer,

    /// <summary>The gas limit is below the intrinsic gas.</summary>
    IntrinsicGas,
    GasLimitReached,

    /// <summary>GoQuorum's rule while gas prices are not enabled.</summary>
    GasPriceNotZero,

    /// <summary>EIP-3607.</summary>
    SenderNotEoa,
    FeeCapTooLow,
    TipAboveFeeCap,

    /// <summary>EIP-3860.</summary>
    InitCodeTooLarge,

    /// <summary>The fork does not know this transaction type.</summary>
    TypeNotSupported,
    BlobCreation,
    BlobsMissing,
    TooManyBlobs,
    BlobVersion,
    BlobFeeTooLow,

    /// <summary>EIP-7702.</summary>
    AuthorizationsMissing,

    /// <summary>EIP-7702.</summary>
    SetCodeCreation,

    /// <summary>EIP-7825; only where the rules have that cap.</summary>
    GasLimitTooHigh,
}
