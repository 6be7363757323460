using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The part of eth that reads blocks, transactions and receipts.</summary>
internal sealed class EthBlockApi(INode node, NodeReader reader, BlockJson format) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_getBlockByNumber", 2, c => BlockAsync(c, c.Block(0), c.Bool(1)));
        table.AddAsync("eth_getBlockByHash", 2, c => BlockAsync(c, ByHash(c), c.Bool(1)));
        table.AddAsync("eth_getHeaderByNumber", 1, c => HeaderAsync(c, c.Block(0)));
        table.AddAsync("eth_getHeaderByHash", 1, c => HeaderAsync(c, ByHash(c)));
        table.AddAsync("eth_getBlockTransactionCountByNumber", 1, c => CountAsync(c, c.Block(0), b => b.Transactions.Count));
        table.AddAsync("eth_getBlockTransactionCountByHash", 1, c => CountAsync(c, ByHash(c), b => b.Transactions.Count));
        table.AddAsync("eth_getUncleCountByBlockNumber", 1, c => CountAsync(c, c.Block(0), _ => 0));
        table.AddAsync("eth_getUncleCountByBlockHash", 1, c => CountAsync(c, ByHash(c), _ => 0));
        table.Add("eth_getUncleByBlockNumberAndIndex", 2, c => NoUncle(c, c.Block(0)));
        table.Add("eth_getUncleByBlockHashAndIndex", 2, c => NoUncle(c, ByHash(c)));
        table.AddAsync("eth_getTransactionByBlockNumberAndIndex", 2, c => TransactionAtAsync(c, c.Block(0), c.Quantity(1)));
        table.AddAsync("eth_getTransactionByBlockHashAndIndex", 2, c => TransactionAtAsync(c, ByHash(c), c.Quantity(1)));
        table.AddAsync("eth_getRawTransactionByBlockNumberAndIndex", 2, c => RawAtAsync(c, c.Block(0), c.Quantity(1)));
        table.AddAsync("eth_getRawTransactionByBlockHashAndIndex", 2, c => RawAtAsync(c, ByHash(c), c.Quantity(1)));
        table.AddAsync("eth_getTransactionByHash", 1, TransactionAsync);
        table.AddAsync("eth_getRawTransactionByHash", 1, RawAsync);
        table.AddAsync("eth_getTransactionReceipt", 1, ReceiptAsync);
        table.AddAsync("eth_getBlockReceipts", 1, c => BlockReceiptsAsync(c, c.Block(0)));
    }

    private PlacedTransaction Placed(Block block, int index) => PlacedTransaction.Of(block, index, node.Config, node.Profile);

    private static BlockTag ByHash(RpcCall call) => new(BlockTagKind.Hash, 0, call.Hash(0));

    private static void NoUncle(RpcCall call, BlockTag block)
    {
        _ = block;
        call.Quantity(1);
        call.Result.WriteNullValue();
    }

    private async ValueTask BlockReceiptsAsync(RpcCall call, BlockTag tag)
    {
        var found = await reader.ReadAsync(call.Cancellation, scope =>
        {
            scope.View.RequireAgreement();
            return scope.Block(tag) is { } block
                ? (Block: block, Views: scope.Receipts(block, null),
                    Senders: block.Transactions.Select(tx => scope.View.SenderOf(tx, block.Number)).ToList())
                : ((Block Block, IReadOnlyList<ReceiptView> Views, List<Address> Senders)?)null;
        }).ConfigureAwait(false);
        if (found is not { } at)
        {
            call.Result.WriteNullValue();
            return;
        }
        call.Result.WriteStartArray();
        for (var i = 0; i < at.Views.Count; i++)
            ReceiptJson.Write(call.Result, at.Block, i, at.Views[i], at.Senders[i], node.Config, node.Profile);
        call.Result.WriteEndArray();
    }

    private async ValueTask BlockAsync(RpcCall call, BlockTag tag, bool full)
    {
        await reader.ReadAsync(call.Cancellation, scope =>
        {
            if (scope.Block(tag) is not { } block)
            {
                call.Result.WriteNullValue();
                return false;
            }
            format.Write(call.Result, block, scope.View.TotalDifficulty(block.Hash),
                full ? tx => scope.View.SenderOf(tx, block.Number) : null, tag.Kind == BlockTagKind.Pending);
            return true;
        }).ConfigureAwait(false);
    }

    private async ValueTask HeaderAsync(RpcCall call, BlockTag tag)
    {
        var header = await reader.ReadAsync(call.Cancellation, scope => scope.Header(tag)).ConfigureAwait(false);
        if (header is null) call.Result.WriteNullValue();
        else format.WriteHeader(call.Result, header);
    }

    private async ValueTask CountAsync(RpcCall call, BlockTag tag, Func<Block, int> count)
    {
        var block = await reader.ReadAsync(call.Cancellation, scope => scope.Block(tag)).ConfigureAwait(false);
        if (block is null) call.Result.WriteNullValue();
        else call.Result.Quantity((ulong)count(block));
    }

    private async ValueTask TransactionAtAsync(RpcCall call, BlockTag tag, ulong index)
    {
        var found = await reader.ReadAsync(call.Cancellation,
            scope => scope.Block(tag) is { } block && index < (ulong)block.Transactions.Count
            ? (block, scope.View.SenderOf(block.Transactions[(int)index], block.Number))
            : ((Block Block, Address Sender)?)null).ConfigureAwait(false);
        if (found is not { } at) call.Result.WriteNullValue();
        else TransactionJson.Write(call.Result, at.Block.Transactions[(int)index], at.Sender, Placed(at.Block, (int)index), node.Profile);
    }

    private async ValueTask RawAtAsync(RpcCall call, BlockTag tag, ulong index)
    {
        var block = await reader.ReadAsync(call.Cancellation, scope => scope.Block(tag)).ConfigureAwait(false);
        call.Result.Data(block is null || index >= (ulong)block.Transactions.Count ? [] : block.Transactions[(int)index].EncodedSpan);
    }

    private async ValueTask TransactionAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        var mined = await reader.ReadAsync(call.Cancellation, scope => scope.View.FindTransaction(hash) is { } found
            ? (found, scope.View.SenderOf(found.Transaction, found.Block.Number))
            : ((TransactionLookup Found, Address Sender)?)null).ConfigureAwait(false);
        if (mined is { } at)
            TransactionJson.Write(call.Result, at.Found.Transaction, at.Sender, Placed(at.Found.Block, at.Found.Index), node.Profile);
        else if (await node.FindPooledAsync(hash, call.Cancellation).ConfigureAwait(false) is { } pending)
            TransactionJson.Write(call.Result, pending.Tx, pending.Sender, null, node.Profile);
        else
            call.Result.WriteNullValue();
    }

    private async ValueTask RawAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        var tx = await reader.ReadAsync(call.Cancellation, scope => scope.View.FindTransaction(hash)?.Transaction).ConfigureAwait(false)
            ?? (await node.FindPooledAsync(hash, call.Cancellation).ConfigureAwait(false))?.Tx;
        call.Result.Data(tx is null ? [] : tx.EncodedSpan);
    }

    private async ValueTask ReceiptAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        var found = await reader.ReadAsync(call.Cancellation, scope =>
        {
            scope.View.RequireAgreement();
            if (scope.View.FindTransaction(hash) is not { } lookup)
                return ((TransactionLookup Lookup, ReceiptView View, Address Sender)?)null;
            var receipts = scope.Receipts(lookup.Block, lookup.Index);
            return (lookup, receipts[lookup.Index], scope.View.SenderOf(lookup.Transaction, lookup.Block.Number));
        }).ConfigureAwait(false);
        if (found is not { } at) call.Result.WriteNullValue();
        else ReceiptJson.Write(call.Result, at.Lookup.Block, at.Lookup.Index, at.View, at.Sender, node.Config, node.Profile);
    }
}
