namespace QuorumMesh.Chain;

/// <summary>GoQuorum's words to a client whose transaction has no valid sender.</summary>
public static class SenderInvalidText
{
    /// <summary>The signer's own error where <see cref="RpcRules.TellsSignerErrors"/>, else the pool's.</summary>
    public static string Of(Transaction transaction, in SenderRules rules, CompatibilityProfile profile)
    {
        if (!profile.Rpc.TellsSignerErrors)
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
