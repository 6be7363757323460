using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>Builds, signs and submits what a caller describes (2.5:internal/ethapi/api.go): private ones by way of the transaction manager.</summary>
internal sealed class TransactionSender(INode node, EthCallApi estimator)
{
    private const ulong ClassicGas = 90_000;

    private readonly AccountLocks _locks = new();

    /// <param name="password">Null signs with the unlocked key.</param>
    public async Task<Hash256> SendAsync(SendTransactionArguments arguments, string? password, CancellationToken cancellation)
    {
        RequireAccount(arguments.From);
        var gas = await GasAsync(arguments, cancellation).ConfigureAwait(false);
        var data = await DistributeAsync(arguments, cancellation).ConfigureAwait(false);
        // The manager has answered before the lock is taken: private transactions of one account are distributed side by side.
        using var held = arguments.Nonce is null ? await _locks.EnterAsync(arguments.From, cancellation).ConfigureAwait(false) : null;
        var nonce = arguments.Nonce ?? await node.PendingNonceAsync(arguments.From, cancellation).ConfigureAwait(false);
        var signed = Sign(Build(arguments, data, gas, nonce), arguments, password);
        return await node.SubmitAsync(signed, cancellation).ConfigureAwait(false);
    }

    /// <summary>Signs without sending and, as GoQuorum, without telling the manager.</summary>
    public Transaction SignOnly(SendTransactionArguments arguments, string? password)
    {
        if (arguments.Gas is not { } gas) throw new RpcException("gas not specified");
        if (arguments.GasPrice is null) throw new RpcException("gasPrice not specified");
        if (arguments.Nonce is not { } nonce) throw new RpcException("nonce not specified");
        RequireAccount(arguments.From);
        return Sign(Build(arguments, Payload(arguments), gas, nonce), arguments, password);
    }

    /// <summary>Completes a transaction for signing elsewhere; a private payload is stored with the manager and its hash put in.</summary>
    public async Task<Transaction> FillAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var gas = await GasAsync(arguments, cancellation).ConfigureAwait(false);
        var nonce = arguments.Nonce ?? await node.PendingNonceAsync(arguments.From, cancellation).ConfigureAwait(false);
        if (!arguments.IsPrivate) return Build(arguments, Payload(arguments), gas, nonce);
        RequireManager();
        var payload = Payload(arguments);
        var hash = await node.TransactionManager.StoreRawAsync(payload, arguments.PrivateFrom, cancellation).ConfigureAwait(false);
        return TransactionSigner.MarkPrivate(Build(arguments, hash.ToArray(), gas, nonce));
    }

    /// <summary>Submits a raw private transaction whose payload was stored before: distributes it first.</summary>
    public async Task<Hash256> SendRawPrivateAsync(Transaction transaction, IReadOnlyList<string>? privateFor, CancellationToken cancellation)
    {
        if (!transaction.IsPrivate || privateFor is null) throw new RpcException("transaction is not private");
        RequireManager();
        if (transaction.Data.Length != PayloadHash.Size)
            throw new RpcException($"the data of a private transaction is the {PayloadHash.Size}-byte hash from the transaction manager's storeraw, not {transaction.Data.Length} bytes");
        await node.TransactionManager.SendSignedAsync(new PayloadHash(transaction.Data), privateFor, cancellation).ConfigureAwait(false);
        return await node.SubmitAsync(transaction, cancellation).ConfigureAwait(false);
    }

    private async Task<byte[]> DistributeAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var payload = Payload(arguments);
        // An empty payload is not distributed: the pool refuses such a transaction, as it does one with a value.
        if (!arguments.IsPrivate || payload.Length == 0) return payload;
        RequireManager();
        if (!arguments.Value.IsZero) throw new RpcException("ether value is not supported for private transactions");
        var send = new SendArguments(payload, arguments.PrivateFrom, arguments.PrivateFor!);
        var hash = await node.TransactionManager.SendAsync(send, cancellation).ConfigureAwait(false);
        node.RememberPayload(hash, payload);
        return hash.ToArray();
    }

    private async ValueTask<ulong> GasAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        if (arguments.Gas is { } given) return given;
        if (RevertStyle.IsClassic(node.Profile)) return ClassicGas;
        var asCall = new CallArguments { From = arguments.From, To = arguments.To, Value = arguments.Value, Data = Payload(arguments) };
        return await estimator.EstimateAsync(asCall, BlockTag.Latest, cancellation).ConfigureAwait(false);
    }

    private byte[] Payload(SendTransactionArguments arguments)
    {
        if (RevertStyle.IsClassic(node.Profile)) return arguments.Data ?? (arguments.IsPrivate ? [] : arguments.Input ?? []);
        if (arguments is { Data: { } data, Input: { } input } && !data.AsSpan().SequenceEqual(input))
            throw new RpcException("""both "data" and "input" are set and not equal. Please use "input" to pass transaction call data""");
        var payload = arguments.Input ?? arguments.Data ?? [];
        return arguments.To is null && payload.Length == 0 ? throw new RpcException("contract creation without any data provided") : payload;
    }

    private static Transaction Build(SendTransactionArguments arguments, byte[] data, ulong gas, ulong nonce) => new()
    {
        Nonce = nonce,
        GasPrice = arguments.GasPrice ?? UInt256.Zero,
        MaxPriorityFee = arguments.GasPrice ?? UInt256.Zero,
        GasLimit = gas,
        To = arguments.To,
        Value = arguments.Value,
        Data = data,
    };

    private Transaction Sign(Transaction transaction, SendTransactionArguments arguments, string? password)
    {
        UInt256? chainId = null;
        if (!arguments.IsPrivate)
        {
            using var view = node.OpenView();
            if (node.Config.IsEip155(view.Head)) chainId = node.Config.ChainId;
        }
        var hash = transaction.SigningHash(chainId);
        var signature = password is null ? node.Accounts.Sign(arguments.From, hash) : node.Accounts.SignWithPassword(arguments.From, password, hash);
        return arguments.IsPrivate ? TransactionSigner.WithPrivateSignature(transaction, signature) : TransactionSigner.WithSignature(transaction, signature, chainId);
    }

    private void RequireAccount(Address account)
    {
        if (!node.Accounts.IsUnlocked(account) && !node.Accounts.Accounts.Contains(account)) throw new RpcException("unknown account");
    }

    private void RequireManager()
    {
        if (!node.TransactionManager.Enabled) throw new RpcException("PrivateTransactionManager is not enabled");
    }
}
