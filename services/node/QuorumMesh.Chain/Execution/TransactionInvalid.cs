namespace QuorumMesh.Chain.Execution;

/// <summary>Why a transaction cannot be in a block at this place. It has changed nothing then.</summary>
public enum TransactionInvalid
{
    /// <summary>It may be in the block.</summary>
    None,
    /// <summary>The account has used the nonce.</summary>
    NonceTooLow,
    /// <summary>A nonce before it is missing.</summary>
    NonceTooHigh,

    /// <summary>EIP-2681.</summary>
    NonceMax,
    /// <summary>The balance does not cover gas limit times price.</summary>
    InsufficientFunds,
    /// <summary>The balance covers the gas and not the value.</summary>
    InsufficientBalanceForTransfer,

    /// <summary>The gas limit is below the intrinsic gas.</summary>
    IntrinsicGas,
    /// <summary>The block's gas pool does not hold the transaction's limit.</summary>
    GasLimitReached,

    /// <summary>GoQuorum's rule while gas prices are not enabled.</summary>
    GasPriceNotZero,

    /// <summary>EIP-3607.</summary>
    SenderNotEoa,
    /// <summary>Below the block's base fee (EIP-1559).</summary>
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
