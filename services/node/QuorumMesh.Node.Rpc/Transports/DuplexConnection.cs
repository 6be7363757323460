using System.Threading.Channels;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>
/// A WebSocket or IPC connection: several requests in work at once, answers and notifications in one bounded queue towards the
/// consumer. One that does not read fast enough is told so behind what is queued and disconnected; one that does not read at all,
/// or does not end a message that it has begun, is disconnected.
/// </summary>
internal abstract class DuplexConnection : INotificationSink
{
    // Both fit into the closing frame of a WebSocket, which has 123 bytes for them.
    private const string TooSlow = "this connection was not read fast enough, and what came since is lost: connect and subscribe again";
    private const string NoRoom = "this listener holds too much for its clients, and what came since is lost: connect and subscribe again";

    /// <summary>How long a peer that has sent its last request may take to fetch the answers.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a server that stops waits for requests in work; they are told to end at once, but not all can be interrupted.
    /// </summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly RpcEngine _engine;
    private readonly RpcSession _session;
    private readonly ByteBudget _budget;
    private readonly CancellationTokenSource _closed;
    private readonly CancellationTokenSource _reading;
    private readonly CancellationTokenSource _writing;
    private readonly Channel<Outbound> _outbound;
    private readonly SemaphoreSlim _slots;
    private readonly int _slotCount;
    private readonly CancellationToken _stopping;
    private long _queuedBytes;
    private string? _ended;

    /// <param name="session">Its notifications come here.</param>
    protected DuplexConnection(RpcEngine engine, ByteBudget budget, RpcSession session, CancellationToken stopping)
    {
        (_engine, _budget, _stopping) = (engine, budget, stopping);
        _session = session with { Notifications = this };
        _closed = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _reading = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token);
        _writing = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token);
        _outbound = Channel.CreateBounded<Outbound>(new BoundedChannelOptions(engine.Limits.MaxQueuedMessages) { SingleReader = true });
        _slotCount = engine.Limits.MaxConcurrentPerConnection;
        _slots = new SemaphoreSlim(_slotCount, _slotCount);
    }

    public CancellationToken Closed => _closed.Token;

    protected RpcLimits Limits => _engine.Limits;

    /// <summary>Cancelled with <see cref="Closed"/>, or when a message that has begun does not end.</summary>
    protected CancellationToken Reading => _reading.Token;

    public bool TrySend(ReadOnlyMemory<byte> message)
    {
        if (Volatile.Read(ref _ended) is not null) return false;
        var lease = _budget.Lease();
        if (lease.TryHold(message.Length)) return TryQueue(new Outbound(message, lease));
        lease.Dispose();
        End(NoRoom);
        return false;
    }

    public void End(string reason)
    {
        if (Interlocked.CompareExchange(ref _ended, reason, null) is not null) return;
        _outbound.Writer.TryComplete();
        try
        {
            _closed.CancelAfter(DrainTimeout);
        }
        catch (ObjectDisposedException)
        {
            // Closed already.
        }
    }

    /// <summary>Serves until the peer goes, misbehaves or the server stops. Does not throw for any of them.</summary>
    public async Task RunAsync()
    {
        var sending = SendLoopAsync();
        try
        {
            await ReceiveLoopAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (IsDisconnect(e))
        {
            // The peer is gone, or the server stops: nobody is left to tell.
        }
        finally
        {
            _closed.CancelAfter(DrainTimeout);
            await DrainAsync().ConfigureAwait(false);
            _outbound.Writer.TryComplete();
            await sending.ConfigureAwait(false);
            await _closed.CancelAsync().ConfigureAwait(false);
            while (_outbound.Reader.TryRead(out var unsent)) unsent.Owner.Dispose();
            await CloseAsync().ConfigureAwait(false);
            _reading.Dispose();
            _writing.Dispose();
            _closed.Dispose();
        }
    }

    /// <summary>Reads messages and gives them to <see cref="DispatchAsync"/> until the peer ends.</summary>
    protected abstract Task ReceiveLoopAsync();

    protected abstract ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation);

    protected abstract Task CloseAsync();

    /// <summary>Tells the peer why the connection ends, and makes it end.</summary>
    protected abstract Task TellEndAsync(string reason);

    protected static bool IsDisconnect(Exception e) =>
        e is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException or System.Net.Sockets.SocketException
        or ObjectDisposedException;

    /// <summary>Starts work on one message, which must stay unchanged; waits while too many are in work.</summary>
    /// <param name="lease">What the message holds of the budget; given back once it is answered.</param>
    protected async Task DispatchAsync(ReadOnlyMemory<byte> message, ByteLease lease)
    {
        try
        {
            await _slots.WaitAsync(Closed).ConfigureAwait(false);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
        _ = Task.Run(() => AnswerAsync(message, lease), CancellationToken.None);
    }

    protected ByteLease Lease() => _budget.Lease();

    /// <summary>A message has begun: it must be there whole after <see cref="TransferTime"/>.</summary>
    protected void MessageBegun() => _reading.CancelAfter(TransferTime.For(Limits.MaxBody, Limits.TransferTime));

    protected void MessageEnded() => _reading.CancelAfter(Timeout.InfiniteTimeSpan);

    protected string BudgetText => new BudgetExceededException(_budget).Message;

    protected void SendError(int code, string message) => TrySend(ErrorMessage(code, message));

    protected static byte[] ErrorMessage(int code, string message)
    {
        using var response = RpcResponse.Rent();
        RpcEngine.WriteError(response, default, code, message);
        return response.Written.ToArray();
    }

    private async Task AnswerAsync(ReadOnlyMemory<byte> message, ByteLease lease)
    {
        RpcResponse? response = null;
        try
        {
            response = RpcResponse.Rent(_budget);
            var after = await _engine.ProcessAsync(message, response, _session, Closed).ConfigureAwait(false);
            lease.Dispose();
            if (response.Length > 0)
            {
                TryQueue(new Outbound(response.Written, response));
                response = null; // the queue's now
            }
            if (after is not null)
                foreach (var action in after) action();
        }
        catch (Exception e) when (IsDisconnect(e))
        {
            // The connection ended while the answer was made.
        }
        finally
        {
            response?.Dispose();
            lease.Dispose();
            _slots.Release();
        }
    }

    private bool TryQueue(Outbound message)
    {
        var length = message.Bytes.Length;
        var total = Interlocked.Add(ref _queuedBytes, length);
        if ((total <= Limits.MaxQueuedBytes || total == length) && _outbound.Writer.TryWrite(message)) return true;
        message.Owner.Dispose();
        End(TooSlow);
        return false;
    }

    private async Task SendLoopAsync()
    {
        try
        {
            await foreach (var message in _outbound.Reader.ReadAllAsync(Closed).ConfigureAwait(false))
            {
                using var owner = message.Owner;
                var length = message.Bytes.Length;
                _writing.CancelAfter(TransferTime.For(length, Limits.TransferTime));
                await WriteAsync(message.Bytes, _writing.Token).ConfigureAwait(false);
                _writing.CancelAfter(Timeout.InfiniteTimeSpan);
                Interlocked.Add(ref _queuedBytes, -length);
            }
            if (Volatile.Read(ref _ended) is { } reason) await TellEndAsync(reason).ConfigureAwait(false);
        }
        catch (Exception e) when (IsDisconnect(e))
        {
            Abort();
        }
    }

    /// <summary>Lets the requests in work end, so that their answers still go out.</summary>
    private async Task DrainAsync()
    {
        using var limit = new CancellationTokenSource();
        using var stopped = _stopping.Register(() => limit.CancelAfter(StopTimeout));
        try
        {
            for (var i = 0; i < _slotCount; i++)
                await _slots.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // What still runs finds the connection closed.
        }
    }

    private void Abort()
    {
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Closed already.
        }
    }

    /// <summary>Bytes for the consumer, and who is told when they are no longer needed.</summary>
    private readonly record struct Outbound(ReadOnlyMemory<byte> Bytes, IDisposable Owner);
}
