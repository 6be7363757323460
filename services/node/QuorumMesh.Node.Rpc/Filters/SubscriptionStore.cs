using System.Text.Json;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>Subscriptions of WebSocket and IPC connections; they end with their connection.</summary>
internal sealed class SubscriptionStore(BlockJson format)
{
    private const int MaxPerConnection = 256;

    private readonly Dictionary<string, Subscription> _subscriptions = [];
    private readonly Lock _gate = new();

    /// <returns>The id, and what starts the notifications once the caller has been told the id.</returns>
    public (string Id, Action Start) Add(INotificationSink sink, FilterKind kind, LogCriteria criteria)
    {
        var subscription = new Subscription(RpcIds.New(), sink, kind, criteria);
        lock (_gate)
        {
            if (_subscriptions.Values.Count(s => s.Sink == sink) >= MaxPerConnection) throw new RpcException($"too many subscriptions: a connection may have {MaxPerConnection}");
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

    public void Clear()
    {
        lock (_gate) _subscriptions.Clear();
    }

    private static FilterKind KindOf(ChainEvent happened) => happened switch
    {
        ChainEvent.Head => FilterKind.Blocks,
        ChainEvent.Pending => FilterKind.PendingTransactions,
        _ => FilterKind.Logs,
    };

    private bool Notify(Subscription subscription, ChainEvent happened)
    {
        switch (happened)
        {
            case ChainEvent.Head head:
                return Send(subscription, json => format.WriteHeader(json, head.Header));
            case ChainEvent.Pending pending:
                return pending.Hashes.All(hash => Send(subscription, json => json.Value(hash)));
            case ChainEvent.Logs logs:
                return logs.Placed.Where(l => subscription.Criteria.Covers(l.Header.Number) && subscription.Criteria.Matches(l.Log)).All(log => Send(subscription, log.Write));
            default:
                return true;
        }
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

    private sealed class Subscription(string id, INotificationSink sink, FilterKind kind, LogCriteria criteria)
    {
        public string Id => id;
        public INotificationSink Sink => sink;
        public FilterKind Kind => kind;
        public LogCriteria Criteria => criteria;
        public volatile bool IsStarted;
    }
}
