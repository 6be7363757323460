using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>Takes events off the writer loop, which must not wait, and hands them to the listeners one after the other.</summary>
internal sealed class ChainEventPump : IAsyncDisposable
{
    private const int MaxWaiting = 8_192;

    private readonly INode _node;
    private readonly ILogger _logger;
    private readonly Channel<object> _events = Channel.CreateBounded<object>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Task _pumping;
    private int _lost;

    public ChainEventPump(INode node, ILogger logger)
    {
        (_node, _logger) = (node, logger);
        node.Events.NewHead += Enqueue;
        node.Events.NewLogs += Enqueue;
        node.Events.PendingTransactions += Enqueue;
        _pumping = Task.Run(PumpAsync);
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
        _events.Writer.TryComplete();
        await _pumping.ConfigureAwait(false);
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
                    _logger.LogWarning("More than {Count} chain events waited for JSON-RPC subscribers: filters and subscriptions are ended", MaxWaiting);
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

    private ChainEvent? Translate(object happened) => happened switch
    {
        HeadEvent head => new ChainEvent.Head(head.Block.Header),
        IReadOnlyList<RecoveredTransaction> pending => new ChainEvent.Pending([.. pending.Select(t => t.Tx.Hash)]),
        LogsEvent { Transactions.Count: > 0 } logs => new ChainEvent.Logs(Place(logs)),
        _ => null,
    };

    private List<PlacedLog> Place(LogsEvent logs)
    {
        var placed = new List<PlacedLog>();
        var numbers = _node.Profile.SeparatePrivateLogIndexes ? null : FirstIndexes(logs.Header);
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

    /// <summary>Where public and private logs are numbered together, the block's receipts tell; while the private side is not there, the public ones alone.</summary>
    private uint[]? FirstIndexes(BlockHeader header)
    {
        using var view = _node.OpenView();
        if (view.Block(header.Hash) is not { } block) return null;
        var receipts = block.Number <= view.PrivateHead
            ? new ReadScope(view, view.Head).Receipts(block, null)
            : ReceiptView.Merge(view.PublicReceipts(block.Hash), null, _node.Profile);
        return [.. receipts.Select(r => r.FirstLogIndex)];
    }
}
