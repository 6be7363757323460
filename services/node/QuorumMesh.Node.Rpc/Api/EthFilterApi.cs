using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Filters;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The part of eth that searches logs, polls filters and subscribes.</summary>
internal sealed class EthFilterApi(NodeReader reader, LogSearch search, FilterStore filters, SubscriptionStore subscriptions) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_getLogs", 1, c => LogsAsync(c, c.Read(0, LogCriteria.Read)));
        table.AddAsync("eth_getFilterLogs", 1, c => LogsAsync(c, filters.CriteriaOf(c.Text(0))));
        table.Add("eth_newFilter", 1, c => c.Result.WriteStringValue(filters.Add(FilterKind.Logs, c.Read(0, LogCriteria.Read))));
        table.Add("eth_newBlockFilter", 0, c => c.Result.WriteStringValue(filters.Add(FilterKind.Blocks, LogCriteria.Everything)));
        table.Add("eth_newPendingTransactionFilter", 0,
            c => c.Result.WriteStringValue(filters.Add(FilterKind.PendingTransactions, LogCriteria.Everything)));
        table.Add("eth_getFilterChanges", 1, Changes);
        table.Add("eth_uninstallFilter", 1, c => c.Result.WriteBooleanValue(filters.Remove(c.Text(0))));
        table.Add("eth_subscribe", 2, Subscribe);
        table.Add("eth_unsubscribe", 1, Unsubscribe);
    }

    private async ValueTask LogsAsync(RpcCall call, LogCriteria criteria)
    {
        var logs = await reader.ReadAsync(call.Cancellation, scope => search.Find(scope, criteria, call.Cancellation))
            .ConfigureAwait(false);
        WriteLogs(call, logs);
    }

    private void Changes(RpcCall call)
    {
        var changes = filters.Take(call.Text(0));
        if (changes.Kind == FilterKind.Logs)
        {
            WriteLogs(call, changes.Logs);
            return;
        }
        call.Result.WriteStartArray();
        foreach (var hash in changes.Hashes) call.Result.Value(hash);
        call.Result.WriteEndArray();
    }

    private void Subscribe(RpcCall call)
    {
        var name = call.Text(0);
        if (call.Session.Notifications is not { } sink) throw new RpcException("notifications not supported");
        FilterKind? kind = name switch
        {
            "newHeads" => FilterKind.Blocks,
            "newPendingTransactions" => FilterKind.PendingTransactions,
            "logs" => FilterKind.Logs,
            "syncing" => FilterKind.Syncing,
            _ => null,
        };
        if (kind is not { } known) throw new RpcException(RpcErrorCode.MethodNotFound, $"no \"{name}\" subscription in eth namespace");
        var criteria = known == FilterKind.Logs && call.Has(1) ? call.Read(1, LogCriteria.Read) : LogCriteria.Everything;
        var isFull = known == FilterKind.PendingTransactions && call.Has(1) && call.Bool(1);
        var (id, start) = subscriptions.Add(sink, known, criteria, isFull);
        call.AfterResponse(start);
        call.Result.WriteStringValue(id);
    }

    private void Unsubscribe(RpcCall call)
    {
        var id = call.Text(0);
        if (call.Session.Notifications is not { } sink) throw new RpcException("notifications not supported");
        if (!subscriptions.Remove(id, sink)) throw new RpcException("subscription not found");
        call.Result.WriteBooleanValue(true);
    }

    private static void WriteLogs(RpcCall call, IReadOnlyList<PlacedLog> logs)
    {
        call.Result.WriteStartArray();
        foreach (var log in logs) log.Write(call.Result);
        call.Result.WriteEndArray();
    }
}
