using System.Globalization;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class TxPoolApi(INode node) : IRpcApi
{
    private delegate void WriteEntry(RpcCall call, RecoveredTransaction transaction);

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("txpool_status", 0, StatusAsync);
        table.AddAsync("txpool_content", 0, c => ContentAsync(c, WriteFull));
        table.AddAsync("txpool_inspect", 0, c => ContentAsync(c, WriteSummary));
    }

    private async ValueTask StatusAsync(RpcCall call)
    {
        var (pending, queued) = await node.PoolCountsAsync(call.Cancellation).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.Quantity("pending"u8, (ulong)pending);
        call.Result.Quantity("queued"u8, (ulong)queued);
        call.Result.WriteEndObject();
    }

    private async ValueTask ContentAsync(RpcCall call, WriteEntry write)
    {
        var content = await node.PoolContentAsync(senders: null, call.Cancellation).ConfigureAwait(false);
        call.Result.WriteStartObject();
        WriteSide(call, "pending", content.Select(c => (c.Sender, c.Pending)), write);
        WriteSide(call, "queued", content.Select(c => (c.Sender, c.Queued)), write);
        call.Result.WriteEndObject();
    }

    private static void WriteSide(RpcCall call, string name,
        IEnumerable<(Address Sender, IReadOnlyList<RecoveredTransaction> Transactions)> senders, WriteEntry write)
    {
        call.Result.WriteStartObject(name);
        foreach (var (sender, transactions) in senders.Where(s => s.Transactions.Count > 0))
        {
            call.Result.WriteStartObject(sender.ToChecksumString());
            foreach (var transaction in transactions)
            {
                call.Result.WritePropertyName(transaction.Tx.Nonce.ToString(CultureInfo.InvariantCulture));
                write(call, transaction);
            }
            call.Result.WriteEndObject();
        }
        call.Result.WriteEndObject();
    }

    private void WriteFull(RpcCall call, RecoveredTransaction transaction) =>
        TransactionJson.Write(call.Result, transaction.Tx, transaction.Sender, null, node.Profile);

    private static void WriteSummary(RpcCall call, RecoveredTransaction transaction)
    {
        var tx = transaction.Tx;
        var to = tx.To?.ToChecksumString() ?? "contract creation";
        call.Result.WriteStringValue($"{to}: {tx.Value} wei + {tx.GasLimit} gas × {tx.GasPrice} wei");
    }
}
