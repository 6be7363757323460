using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>Subscriptions of WebSocket and IPC connections; they end with their connection.</summary>
internal sealed class SubscriptionStore(BlockJson format)
{
    private const string Overrun = "chain events came faster than they could be handed on, and some are lost: connect and subscribe again";

    private const int MaxPerConnection = 256;

    private readonly Dictionary<string, Subscription> _subscriptions = [];
    private readonly Lock _gate = new();

    /// <returns>The id, and what starts the notifications once the caller has been told the id.</returns>
    /// <param name="isFull">Of pending transactions the whole, not the hash.</param>
    public (string Id, Action Start) Add(INotificationSink sink, FilterKind kind, LogCriteria criteria, bool isFull = false)
    {
        var subscription = new Subscription(RpcIds.New(), sink, kind, criteria, isFull);
        lock (_gate)
        {
            if (_subscriptions.Values.Count(s => s.Sink == sink) >= MaxPerConnection)
                throw new RpcException($"too many subscriptions: a connection may have {MaxPerConnection}");
            _subscriptions[subscription.Id] = subscription;
        }
        sink.Closed.UnsafeRegister(_ => Remove(subscription.Id, sink), null);
        return (subscription.Id, () => subscription.IsStarted = true);
    }

    /// <summary>Only the connection that made it can end it.</summary>
    public bool Remove(string id, INotificationSink sink)
    {
        lock (_gate) return _subscriptions.TryGetValue(id, out var subscription) && subscription.Sink == sink && _subscriptions.Remove(id);
    }

    public void Hear(ChainEvent happened)
    {
        Subscription[] listening;
        lock (_gate)
        {
            if (_subscriptions.Count == 0) return;
            listening = [.. _subscriptions.Values.Where(s => s.IsStarted && s.Kind == KindOf(happened))];
        }
        foreach (var subscription in listening)
        {
            if (!Notify(subscription, happened)) Remove(subscription.Id, subscription.Sink);
        }
    }

    /// <summary>
    /// After a loss: the connections of all subscribers are ended, so that each is told and none waits for what never comes.
    /// </summary>
    public void Clear()
    {
        INotificationSink[] sinks;
        lock (_gate)
        {
            sinks = [.. _subscriptions.Values.Select(s => s.Sink).Distinct()];
            _subscriptions.Clear();
        }
        foreach (var sink in sinks) sink.End(Overrun);
    }

    private static FilterKind KindOf(ChainEvent happened) => happened switch
    {
        ChainEvent.Head => FilterKind.Blocks,
        ChainEvent.Pending => FilterKind.PendingTransactions,
        ChainEvent.Syncing => FilterKind.Syncing,
        _ => FilterKind.Logs,
    };

    private bool Notify(Subscription subscription, ChainEvent happened)
    {
        switch (happened)
        {
            case ChainEvent.Head head:
                return Send(subscription, json => format.WriteHeader(json, head.Header));
            case ChainEvent.Pending pending:
                return pending.Transactions.All(
                    transaction => Send(subscription, json => WritePending(json, transaction, subscription.IsFull)));
            case ChainEvent.Syncing syncing:
                return Send(subscription, json => WriteSyncing(json, syncing.Progress));
            case ChainEvent.Logs logs:
                return logs.Placed.Where(l => subscription.Criteria.Covers(l.Header.Number) && subscription.Criteria.Matches(l.Log))
                    .All(log => Send(subscription, log.Write));
            default:
                return true;
        }
    }

    private void WritePending(Utf8JsonWriter json, RecoveredTransaction transaction, bool isFull)
    {
        if (isFull) TransactionJson.Write(json, transaction.Tx, transaction.Sender, null, format.Profile);
        else json.Value(transaction.Tx.Hash);
    }

    /// <summary>In the form of geth's downloader: numbers, and Go's own names for the fields of the status.</summary>
    private static void WriteSyncing(Utf8JsonWriter json, SyncProgress? progress)
    {
        if (progress is null)
        {
            json.WriteBooleanValue(false);
            return;
        }
        json.WriteStartObject();
        json.WriteBoolean("syncing"u8, true);
        json.WriteStartObject("status"u8);
        json.WriteNumber("StartingBlock"u8, progress.StartingBlock);
        json.WriteNumber("CurrentBlock"u8, progress.CurrentBlock);
        json.WriteNumber("HighestBlock"u8, progress.HighestBlock);
        json.WriteNumber("PulledStates"u8, 0);
        json.WriteNumber("KnownStates"u8, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static bool Send(Subscription subscription, Action<Utf8JsonWriter> write)
    {
        using var message = RpcResponse.Rent();
        var json = message.Json;
        json.WriteStartObject();
        json.WriteString("jsonrpc"u8, "2.0"u8);
        json.WriteString("method"u8, "eth_subscription"u8);
        json.WriteStartObject("params"u8);
        json.WriteString("subscription"u8, subscription.Id);
        json.WritePropertyName("result"u8);
        write(json);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return subscription.Sink.TrySend(message.Written.ToArray());
    }

    private sealed class Subscription(string id, INotificationSink sink, FilterKind kind, LogCriteria criteria, bool isFull)
    {
        public string Id => id;
        public INotificationSink Sink => sink;
        public FilterKind Kind => kind;
        public LogCriteria Criteria => criteria;
        public bool IsFull => isFull;
        public volatile bool IsStarted;
    }
}
