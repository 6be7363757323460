using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>What can be said about a transaction without a state.</summary>
public static class TransactionChecks
{
    /// <summary>Null when the transaction may be valid under the fork, else geth's words for the reason.</summary>
    /// <param name="maxCodeSize">Bytes; init code may have twice as many from Shanghai on (EIP-3860).</param>
    /// <param name="feeCapsAreFree">See <see cref="ChainConfig.AreFeeCapsFree"/>.</param>
    public static string? Stateless(Transaction tx, IntrinsicRules rules, int maxCodeSize = ChainConfig.DefaultMaxCodeSize,
        bool feeCapsAreFree = false)
    {
        var fork = rules.Fork;
        if (!IsTypeActive(tx.Type, fork))
            return "transaction type not supported";
        // EIP-2681
        if (tx.Nonce == ulong.MaxValue)
            return "nonce has max value";
        if (tx.MaxPriorityFee > tx.GasPrice)
            return "max priority fee per gas higher than max fee per gas";
        if (!feeCapsAreFree && UInt256.MultiplyOverflow(tx.GasPrice, tx.GasLimit, out _))
            return "insufficient funds for gas * price + value";
        if (fork >= Fork.Shanghai && tx.IsCreation && tx.Data.Length > 2 * maxCodeSize)
            return "max initcode size exceeded";
        if (tx.Type == TransactionType.SetCode && tx.AuthorizationList.Count == 0)
            return TransactionInvalidText.Of(TransactionInvalid.AuthorizationsMissing);
        return tx.GasLimit < IntrinsicGas.Least(tx, rules) ? "intrinsic gas too low" : null;
    }

    /// <summary>
    /// What the sender must have: gas · price + value, or the value alone where a typed transaction's fee caps are free; false
    /// when it does not fit 256 bits.
    /// </summary>
    public static bool TryCost(Transaction tx, bool feeCapsAreFree, out UInt256 cost)
    {
        var price = feeCapsAreFree && tx.Type != TransactionType.Legacy ? UInt256.Zero : tx.GasPrice;
        return !UInt256.MultiplyOverflow(price, tx.GasLimit, out var fee) & !UInt256.AddOverflow(fee, tx.Value, out cost);
    }

    private static bool IsTypeActive(TransactionType type, Fork fork) => type switch
    {
        TransactionType.Legacy => true,
        TransactionType.AccessList => fork >= Fork.Berlin,
        TransactionType.DynamicFee => fork >= Fork.London,
        TransactionType.SetCode => fork >= Fork.Prague,
        _ => false,
    };
}
