using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>GoQuorum's checks on entry, in its order (2.5:core/tx_pool.go validateTx).</summary>
internal static class PoolRules
{
    /// <returns>Null when the transaction may enter.</returns>
    public static string? Check(RecoveredTransaction transaction, PoolHead head, ChainConfig config, CompatibilityProfile profile)
    {
        var tx = transaction.Tx;
        var next = head.Number + 1;
        if (tx.Size > config.TransactionSizeLimit)
            return PoolErrors.Oversized;
        if (!config.IsGasPriceEnabled(next, profile) && !(tx.GasPrice.IsZero && tx.MaxPriorityFee.IsZero))
            return PoolErrors.GasPriceNotZero;
        if (tx.GasLimit > head.GasLimit)
            return PoolErrors.GasLimit;
        if (tx.IsPrivate && (!tx.Value.IsZero || tx.Data.Length == 0))
            return PoolErrors.PrivateValue;
        var (nonce, balance) = head.State(transaction.Sender);
        if (tx.Nonce < nonce)
            return PoolErrors.NonceTooLow;
        if (!TransactionChecks.TryCost(tx, out var cost) || balance < cost)
            return PoolErrors.InsufficientFunds;
        return TransactionChecks.Stateless(tx, config.IntrinsicRulesAt(next, profile), config.MaxCodeSizeAt(next, profile));
    }

    public static bool IsReplacement(Transaction old, Transaction replacement, uint bumpPercent)
    {
        var threshold = old.GasPrice * (UInt256)(100 + bumpPercent) / 100u;
        return replacement.GasPrice > old.GasPrice && replacement.GasPrice >= threshold;
    }
}
