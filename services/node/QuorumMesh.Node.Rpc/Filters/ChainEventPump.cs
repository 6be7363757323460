using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>
/// Takes events off the writer loop, which must not wait, and hands them to the listeners one after the other. Whether the node
/// catches up is looked at each second.
/// </summary>
internal sealed class ChainEventPump : IAsyncDisposable
{
    private const int MaxWaiting = 8_192;
    private static readonly TimeSpan SyncInterval = TimeSpan.FromSeconds(1);

    private readonly INode _node;
    private readonly ILogger _logger;
    private readonly Channel<object> _events = Channel.CreateBounded<object>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _pumping;
    private readonly Task _watching;
    private int _lost;

    public ChainEventPump(INode node, ILogger logger)
    {
        (_node, _logger) = (node, logger);
        node.Events.NewHead += Enqueue;
        node.Events.NewLogs += Enqueue;
        node.Events.PendingTransactions += Enqueue;
        _pumping = Task.Run(PumpAsync);
        _watching = Task.Run(WatchSyncAsync);
    }

    /// <summary>Raised on the pump's own task.</summary>
    public event Action<ChainEvent>? Heard;

    /// <summary>Events were lost: whoever counts on hearing all of them must be told.</summary>
    public event Action? Lost;

    public async ValueTask DisposeAsync()
    {
        _node.Events.NewHead -= Enqueue;
        _node.Events.NewLogs -= Enqueue;
        _node.Events.PendingTransactions -= Enqueue;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _events.Writer.TryComplete();
        await _pumping.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private void Enqueue(object happened)
    {
        if (!_events.Writer.TryWrite(happened)) Interlocked.Exchange(ref _lost, 1);
    }

    private async Task PumpAsync()
    {
        await foreach (var happened in _events.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                if (Interlocked.Exchange(ref _lost, 0) == 1)
                {
                    _logger.LogWarning("More than {Count} chain events waited for JSON-RPC subscribers: filters and subscriptions are "
                        + "ended", MaxWaiting);
                    Lost?.Invoke();
                }
                if (Heard is { } heard && Translate(happened) is { } translated) heard(translated);
            }
            catch (Exception e)
            {
                _logger.LogError(e, "A chain event could not be given to JSON-RPC subscribers");
            }
        }
    }

    /// <summary>Beginnings and ends; one that comes and goes within a second is not told.</summary>
    private async Task WatchSyncAsync()
    {
        using var timer = new PeriodicTimer(SyncInterval);
        var wasSyncing = false;
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                var progress = _node.Sync;
                if (progress is not null == wasSyncing) continue;
                wasSyncing = progress is not null;
                Enqueue(new ChainEvent.Syncing(progress));
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private ChainEvent? Translate(object happened) => happened switch
    {
        ChainEvent.Syncing syncing => syncing,
        HeadEvent head => new ChainEvent.Head(head.Block.Header),
        IReadOnlyList<RecoveredTransaction> pending => new ChainEvent.Pending(pending),
        LogsEvent { Transactions.Count: > 0 } logs => new ChainEvent.Logs(Place(logs)),
        _ => null,
    };

    private List<PlacedLog> Place(LogsEvent logs)
    {
        var placed = new List<PlacedLog>();
        var numbers = _node.Profile.Rpc.SeparatesPrivateLogIndexes ? null : FirstIndexes(logs.Header);
        uint running = 0;
        foreach (var (transaction, index, receipt) in logs.Transactions)
        {
            var first = numbers is null ? running : numbers[index];
            for (var i = 0; i < receipt.Logs.Count; i++)
                placed.Add(new PlacedLog(receipt.Logs[i], logs.Header, transaction.Tx.Hash, index, first + (uint)i));
            running += (uint)receipt.Logs.Count;
        }
        return placed;
    }

    /// <summary>
    /// Where public and private logs are numbered together, the block's receipts tell; while the private side is not there, the
    /// public ones alone.
    /// </summary>
    private uint[]? FirstIndexes(BlockHeader header)
    {
        using var view = _node.OpenView();
        if (view.Block(header.Hash) is not { } block) return null;
        var receipts = block.Number <= view.PrivateHead
            ? new ReadScope(view, view.Head).Receipts(block, null)
            : ReceiptView.Merge(block.Transactions, view.PublicReceipts(block.Hash), null, _node.Profile);
        return [.. receipts.Select(r => r.Marked?.FirstLogIndex ?? r.FirstLogIndex)];
    }
}
