using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The part of eth that signs and sends.</summary>
internal sealed class EthSendApi(INode node, TransactionSender sender) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_sendTransaction", 1, SendAsync);
        table.AddAsync("eth_sendRawTransaction", 1, SendRawAsync, new RpcTogether(ReadRaw, sender.SendAllRawAsync));
        table.AddAsync("eth_sendRawPrivateTransaction", 2, SendRawPrivateAsync);
        if (node.Profile.Rpc.HasPrivacyMarkers) table.AddAsync("eth_distributePrivateTransaction", 2, DistributeAsync);
        table.Add("eth_signTransaction", 1, c => WriteSigned(c, sender.SignOnly(c.Read(0, SendTransactionArguments.Read), null)));
        table.AddAsync("eth_fillTransaction", 1,
            async c => WriteSigned(c,
            await sender.FillAsync(c.Read(0, SendTransactionArguments.Read), c.Cancellation).ConfigureAwait(false)));
        table.AddAsync("eth_resend", 3, ResendAsync);
        table.Add("eth_sign", 2, Sign);
        table.Add("eth_signTypedData", 2, SignTypedData);
        table.Add("eth_signTypedData_v4", 2, SignTypedData);
        table.AddAsync("eth_pendingTransactions", 0, PendingAsync);
    }

    public static void WriteSigned(RpcCall call, Transaction transaction)
    {
        call.Result.WriteStartObject();
        call.Result.Data("raw"u8, transaction.EncodedSpan);
        call.Result.WritePropertyName("tx"u8);
        TransactionJson.WriteBare(call.Result, transaction);
        call.Result.WriteEndObject();
    }

    private async ValueTask SendAsync(RpcCall call)
    {
        var arguments = call.Read(0, SendTransactionArguments.Read);
        call.Result.Value(await sender.SendAsync(arguments, null, call.Session.UserAgent, call.Cancellation).ConfigureAwait(false));
    }

    private async ValueTask ResendAsync(RpcCall call)
    {
        var arguments = call.Read(0, SendTransactionArguments.Read);
        var price = call.Has(1) ? call.Read(1, static (ref System.Text.Json.Utf8JsonReader r) => GoJson.Big(ref r)) : UInt256.Zero;
        var gas = call.Has(2) ? call.Quantity(2, "hexutil.Uint64") : 0;
        call.Result.Value(await sender.ResendAsync(arguments, price, gas, call.Session.UserAgent, call.Cancellation).ConfigureAwait(false));
    }

    private async ValueTask SendRawAsync(RpcCall call)
    {
        var transaction = ReadRaw(call);
        call.Result.Value(await sender.SendRawAsync(transaction, call.Session.UserAgent, call.Cancellation).ConfigureAwait(false));
    }

    private Transaction ReadRaw(RpcCall call)
    {
        var transaction = RawTransaction.Decode(call.Bytes(0), node.Profile.Rpc);
        RequirePayloadHash(transaction);
        return transaction;
    }

    private async ValueTask SendRawPrivateAsync(RpcCall call)
    {
        var (raw, recipients) = (call.Bytes(0), call.Read(1, SendTransactionArguments.ReadRawPrivate));
        call.Result.Value(await sender.SendRawPrivateAsync(RawTransaction.Decode(raw, node.Profile.Rpc), recipients, call.Cancellation)
            .ConfigureAwait(false));
    }

    /// <summary>The answer is what a marker of the caller's own names (24:internal/ethapi/api.go DistributePrivateTransaction).</summary>
    private async ValueTask DistributeAsync(RpcCall call)
    {
        var (raw, recipients) = (call.Bytes(0), call.Read(1, SendTransactionArguments.ReadRawPrivate));
        var hash = await sender.DistributeForMarkerAsync(RawTransaction.Decode(raw, node.Profile.Rpc), recipients, call.Cancellation)
            .ConfigureAwait(false);
        call.Result.Data(hash.ToArray());
    }

    /// <summary>
    /// GoQuorum takes such a transaction for a private one, and it comes to nothing: on a public chain with id 1 it was signed
    /// like any other.
    /// </summary>
    private void RequirePayloadHash(Transaction transaction)
    {
        if (!transaction.IsPrivate || transaction.PayloadHash is not null) return;
        throw new RpcException($"v {transaction.V} marks a private transaction, whose data is the {PayloadHash.Size}-byte hash from the "
            + $"transaction manager's storeraw, not {transaction.Data.Length} bytes: "
            + $"a public transaction that was signed for chain id 1 looks the same; this chain's id is {node.Config.ChainId}");
    }

    private void Sign(RpcCall call)
    {
        var (address, data) = (call.Address(0), call.Bytes(1));
        if (!node.Accounts.Accounts.Contains(address)) throw new RpcException("unknown account");
        call.Result.Data(SignedMessage.WithRecoveryByte(node.Accounts.Sign(address, SignedMessage.Hash(data))));
    }

    /// <summary>The typed data as an object, or as a text that holds it (EIP-712).</summary>
    private void SignTypedData(RpcCall call)
    {
        var (address, digest) = (call.Address(0), call.Read(1, TypedData.Digest));
        if (!node.Accounts.Accounts.Contains(address)) throw new RpcException("unknown account");
        call.Result.Data(SignedMessage.WithRecoveryByte(node.Accounts.Sign(address, digest)));
    }

    /// <summary>Those of the pool that this node's own accounts sent.</summary>
    private async ValueTask PendingAsync(RpcCall call)
    {
        var own = node.Accounts.Accounts.ToHashSet();
        var content = await node.PoolContentAsync(own, call.Cancellation).ConfigureAwait(false);
        call.Result.WriteStartArray();
        foreach (var transaction in content.SelectMany(c => c.Pending))
            TransactionJson.Write(call.Result, transaction.Tx, transaction.Sender, null, node.Profile);
        call.Result.WriteEndArray();
    }
}
