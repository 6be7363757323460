using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// The transaction that a caller's fields ask for: type 2 with fee caps, type 1 with an access list, legacy otherwise and always
/// when private (24:internal/ethapi/api.go, EIP-1559, EIP-2930). What the fork does not know is passed over, as by the GoQuorum
/// of then.
/// </summary>
internal static class UnsignedTransaction
{
    /// <param name="fork">Of the next block.</param>
    /// <exception cref="RpcException">
    /// Another chain's id, fields that exclude each other, or an access list with a private transaction.
    /// </exception>
    public static void Check(SendTransactionArguments arguments, ChainConfig config, Fork fork)
    {
        if (arguments.ChainId is { } id && id != config.ChainId)
            throw new RpcException($"chainId does not match node's (have={id}, want={config.ChainId})");
        if (arguments.IsPrivate && arguments.AccessList is { Count: > 0 })
            throw new RpcException("a private transaction is always a legacy one: it cannot have an accessList (EIP-2930); leave it out");
        if (arguments.IsPrivate || !HasFeeCaps(arguments, fork)) return;
        if (arguments.GasPrice is not null) throw new RpcException("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
        var (cap, tip) = FeeCaps(arguments);
        if (cap < tip) throw new RpcException($"maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})");
    }

    /// <param name="fork">Of the next block.</param>
    public static Transaction Build(SendTransactionArguments arguments, ChainConfig config, Fork fork, byte[] data, ulong gas, ulong nonce)
    {
        var type = TypeOf(arguments, fork);
        var (cap, tip) = type == TransactionType.DynamicFee ? FeeCaps(arguments)
            : (arguments.GasPrice ?? UInt256.Zero, arguments.GasPrice ?? UInt256.Zero);
        return new Transaction
        {
            Type = type,
            TypedChainId = type == TransactionType.Legacy ? UInt256.Zero : config.ChainId,
            Nonce = nonce,
            GasPrice = cap,
            MaxPriorityFee = tip,
            GasLimit = gas,
            To = arguments.To,
            Value = arguments.Value,
            Data = data,
            AccessList = type == TransactionType.Legacy ? [] : arguments.AccessList ?? [],
        };
    }

    private static TransactionType TypeOf(SendTransactionArguments arguments, Fork fork) =>
        arguments.IsPrivate ? TransactionType.Legacy
        : HasFeeCaps(arguments, fork) ? TransactionType.DynamicFee
        : arguments.AccessList is not null && fork >= Fork.Berlin ? TransactionType.AccessList
        : TransactionType.Legacy;

    private static bool HasFeeCaps(SendTransactionArguments arguments, Fork fork) =>
        fork >= Fork.London && (arguments.MaxFeePerGas is not null || arguments.MaxPriorityFeePerGas is not null);

    /// <summary>One that is not given follows from the other, the base fee being 0.</summary>
    private static (UInt256 Cap, UInt256 Tip) FeeCaps(SendTransactionArguments arguments)
    {
        var tip = arguments.MaxPriorityFeePerGas ?? UInt256.Zero;
        return (arguments.MaxFeePerGas ?? tip, tip);
    }
}
