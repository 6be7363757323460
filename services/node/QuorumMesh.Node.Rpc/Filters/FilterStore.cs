using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Filters;

internal enum FilterKind
{
    Blocks,
    PendingTransactions,
    Logs,

    /// <summary>Subscriptions only.</summary>
    Syncing,
}

/// <summary>What a filter has collected since it was last asked.</summary>
internal readonly record struct FilterChanges(FilterKind Kind, IReadOnlyList<Hash256> Hashes, IReadOnlyList<PlacedLog> Logs);

/// <summary>Polled filters of all callers. Those that nobody asks for five minutes, or that grow too large, are dropped.</summary>
internal sealed class FilterStore(TimeProvider time)
{
    private const int MaxFilters = 1_000;
    private const int MaxCollected = 10_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, Filter> _filters = [];
    private readonly Lock _gate = new();

    public string Add(FilterKind kind, LogCriteria criteria)
    {
        lock (_gate)
        {
            DropExpired();
            if (_filters.Count >= MaxFilters)
                throw new RpcException($"too many filters: this node keeps {MaxFilters}, uninstall those not needed");
            var id = RpcIds.New();
            _filters[id] = new Filter(kind, criteria, time.GetTimestamp());
            return id;
        }
    }

    public bool Remove(string id)
    {
        lock (_gate) return _filters.Remove(id);
    }

    public FilterChanges Take(string id)
    {
        lock (_gate)
        {
            var filter = Touch(id);
            var changes = new FilterChanges(filter.Kind, [.. filter.Hashes], [.. filter.Logs]);
            filter.Hashes.Clear();
            filter.Logs.Clear();
            return changes;
        }
    }

    public LogCriteria CriteriaOf(string id)
    {
        lock (_gate)
        {
            var filter = Touch(id);
            return filter.Kind == FilterKind.Logs ? filter.Criteria : throw new RpcException("filter not found");
        }
    }

    public void Hear(ChainEvent happened)
    {
        lock (_gate)
        {
            foreach (var (id, filter) in _filters)
            {
                switch (happened)
                {
                    case ChainEvent.Head head when filter.Kind == FilterKind.Blocks:
                        filter.Hashes.Add(head.Header.Hash);
                        break;
                    case ChainEvent.Pending pending when filter.Kind == FilterKind.PendingTransactions:
                        filter.Hashes.AddRange(pending.Transactions.Select(t => t.Tx.Hash));
                        break;
                    case ChainEvent.Logs logs when filter.Kind == FilterKind.Logs:
                        filter.Logs.AddRange(logs.Placed.Where(l => filter.Criteria.Covers(l.Header.Number)
                            && filter.Criteria.Matches(l.Log)));
                        break;
                }
                if (filter.Hashes.Count + filter.Logs.Count > MaxCollected) _filters.Remove(id);
            }
        }
    }

    public void Clear()
    {
        lock (_gate) _filters.Clear();
    }

    private Filter Touch(string id)
    {
        DropExpired();
        if (!_filters.TryGetValue(id, out var filter)) throw new RpcException("filter not found");
        filter.LastAsked = time.GetTimestamp();
        return filter;
    }

    private void DropExpired()
    {
        foreach (var (id, filter) in _filters)
            if (time.GetElapsedTime(filter.LastAsked) > Lifetime)
                _filters.Remove(id);
    }

    private sealed class Filter(FilterKind kind, LogCriteria criteria, long lastAsked)
    {
        public FilterKind Kind => kind;
        public LogCriteria Criteria => criteria;
        public long LastAsked { get; set; } = lastAsked;
        public List<Hash256> Hashes { get; } = [];
        public List<PlacedLog> Logs { get; } = [];
    }
}
