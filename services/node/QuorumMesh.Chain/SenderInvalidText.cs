namespace QuorumMesh.Chain;

/// <summary>GoQuorum's words to a client whose transaction has no valid sender.</summary>
public static class SenderInvalidText
{
    /// <summary>
    /// From 21 on the sender is recovered before the pool is asked (21:internal/ethapi/api.go SubmitTransaction), and the
    /// signer's own error is what the client sees.
    /// </summary>
    public static string Of(Transaction transaction, in SenderRules rules, CompatibilityProfile profile)
    {
        if (!profile.IsAtLeast(CompatibilityProfile.V21))
            return Pool.PoolErrors.InvalidSender;
        return TransactionSigner.Recover(transaction, rules, out _) switch
        {
            SenderInvalid.ChainId => "invalid chain id for signer",
            SenderInvalid.TypeNotSupported => "transaction type not supported",
            SenderInvalid.SignatureValues => "invalid transaction v, r, s values",
            SenderInvalid.NotRecoverable => "recovery failed",
            _ => Pool.PoolErrors.InvalidSender,
        };
    }
}
