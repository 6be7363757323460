using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>GoQuorum's checks on entry, in its order (2.5:core/tx_pool.go validateTx).</summary>
public static class PoolRules
{
    /// <summary>Whether a transaction may enter, whatever else is there.</summary>
    /// <returns>Null when it may, else <see cref="PoolErrors"/> or geth's words for the reason.</returns>
    public static string? Check(RecoveredTransaction transaction, PoolHead head, ChainConfig config, CompatibilityProfile profile)
    {
        var tx = transaction.Tx;
        var next = head.Number + 1;
        if (tx.Size > config.TransactionSizeLimitAt(head.Number, profile))
            return PoolErrors.Oversized;
        var feeCapsAreFree = config.AreFeeCapsFree(next, profile);
        var mayNamePrice = feeCapsAreFree ? tx.Type != TransactionType.Legacy : config.IsGasPriceEnabled(next, profile);
        if (!mayNamePrice && !(tx.GasPrice.IsZero && tx.MaxPriorityFee.IsZero))
            return PoolErrors.GasPriceNotZero;
        if (tx.GasLimit > head.GasLimit)
            return PoolErrors.GasLimit;
        // No account has a balance in the private state. Such a transaction would fail at parties alone.
        if (tx.IsPrivate && (!tx.Value.IsZero || tx.Data.Length == 0))
            return PoolErrors.PrivateValue;
        if (config.MarkersCarryNoValue(profile) && PrivacyMarker.Is(tx) && !tx.Value.IsZero)
            return PoolErrors.MarkerValue;
        var (nonce, balance) = head.State(transaction.Sender);
        if (tx.Nonce < nonce)
            return PoolErrors.NonceTooLow;
        if (!TransactionChecks.TryCost(tx, feeCapsAreFree, out var cost) || balance < cost)
            return PoolErrors.InsufficientFunds;
        return TransactionChecks.Stateless(tx, config.IntrinsicRulesAt(next, profile), config.MaxCodeSizeAt(next, profile), feeCapsAreFree);
    }

    /// <summary>
    /// Cap and tip must both rise (24:core/tx_list.go and EIP-1559); where nothing is charged for them, that is how a wallet says
    /// that it means to replace.
    /// </summary>
    public static bool IsReplacement(Transaction old, Transaction replacement, uint bumpPercent) =>
        IsBumped(old.GasPrice, replacement.GasPrice, bumpPercent) && IsBumped(TipOf(old), TipOf(replacement), bumpPercent);

    private static UInt256 TipOf(Transaction tx) => tx.Type >= TransactionType.DynamicFee ? tx.MaxPriorityFee : tx.GasPrice;

    /// <summary>No price is so large that its bump could not be told: what would pass 256 bits replaces nothing.</summary>
    private static bool IsBumped(in UInt256 old, in UInt256 replacement, uint bumpPercent) =>
        replacement > old && !UInt256.MultiplyOverflow(old, 100u + bumpPercent, out var threshold) && replacement >= threshold / 100u;
}
