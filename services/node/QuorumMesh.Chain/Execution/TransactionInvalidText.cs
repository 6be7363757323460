namespace QuorumMesh.Chain.Execution;

/// <summary>GoQuorum's and geth's words for an invalid transaction.</summary>
public static class TransactionInvalidText
{
    public static string Of(TransactionInvalid reason) => reason switch
    {
        TransactionInvalid.NonceTooLow => "nonce too low",
        TransactionInvalid.NonceTooHigh => "nonce too high",
        TransactionInvalid.NonceMax => "nonce has max value",
        TransactionInvalid.InsufficientFunds => "insufficient funds for gas * price + value",
        TransactionInvalid.InsufficientBalanceForTransfer => "insufficient balance for transfer",
        TransactionInvalid.IntrinsicGas => "intrinsic gas too low",
        TransactionInvalid.GasLimitReached => "gas limit reached",
        TransactionInvalid.GasPriceNotZero => "Gas price not 0",
        TransactionInvalid.SenderNotEoa => "sender not an eoa",
        TransactionInvalid.FeeCapTooLow => "max fee per gas less than block base fee",
        TransactionInvalid.TipAboveFeeCap => "max priority fee per gas higher than max fee per gas",
        TransactionInvalid.InitCodeTooLarge => "max initcode size exceeded",
        TransactionInvalid.TypeNotSupported => "transaction type not supported",
        TransactionInvalid.AuthorizationsMissing => "EIP-7702 transaction with empty auth list",
        TransactionInvalid.SetCodeCreation => "EIP-7702 transaction cannot be used to create contract",
        TransactionInvalid.GasLimitTooHigh => "transaction gas limit too high",
        _ => reason.ToString(),
    };
}
