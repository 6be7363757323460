using System.Threading.Channels;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>
/// A WebSocket or IPC connection: several requests in work at once, answers and notifications in one bounded queue towards the
/// consumer. One that does not read fast enough is disconnected.
/// </summary>
internal abstract class DuplexConnection : INotificationSink
{
    /// <summary>How long a peer that has sent its last request may take to fetch the answers.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long a server that stops waits for requests in work; they are told to end at once, but not all can be interrupted.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly RpcEngine _engine;
    private readonly RpcSession _session;
    private readonly CancellationTokenSource _closed;
    private readonly Channel<ReadOnlyMemory<byte>> _outbound;
    private readonly SemaphoreSlim _slots;
    private readonly int _slotCount;
    private readonly CancellationToken _stopping;
    private long _queuedBytes;
    private string? _ended;

    protected DuplexConnection(RpcEngine engine, IReadOnlySet<string>? namespaces, CancellationToken stopping)
    {
        (_engine, _stopping) = (engine, stopping);
        _session = new RpcSession(namespaces, this);
        _closed = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _outbound = Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(engine.Limits.MaxQueuedMessages) { SingleReader = true });
        _slotCount = engine.Limits.MaxConcurrentPerConnection;
        _slots = new SemaphoreSlim(_slotCount, _slotCount);
    }

    public CancellationToken Closed => _closed.Token;

    protected RpcLimits Limits => _engine.Limits;

    public bool TrySend(ReadOnlyMemory<byte> message)
    {
        if (Volatile.Read(ref _ended) is not null) return false;
        var total = Interlocked.Add(ref _queuedBytes, message.Length);
        if ((total <= Limits.MaxQueuedBytes || total == message.Length) && _outbound.Writer.TryWrite(message)) return true;
        Abort();
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
            await CloseAsync().ConfigureAwait(false);
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
        e is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException or System.Net.Sockets.SocketException or ObjectDisposedException;

    /// <summary>Starts work on one message, which must stay unchanged; waits while too many are in work.</summary>
    protected async Task DispatchAsync(ReadOnlyMemory<byte> message)
    {
        await _slots.WaitAsync(Closed).ConfigureAwait(false);
        _ = Task.Run(() => AnswerAsync(message), CancellationToken.None);
    }

    protected void SendError(int code, string message) => TrySend(ErrorMessage(code, message));

    protected static byte[] ErrorMessage(int code, string message)
    {
        using var response = RpcResponse.Rent();
        RpcEngine.WriteError(response, default, code, message);
        return response.Written.ToArray();
    }

    private async Task AnswerAsync(ReadOnlyMemory<byte> message)
    {
        try
        {
            using var response = RpcResponse.Rent();
            var after = await _engine.ProcessAsync(message, response, _session, Closed).ConfigureAwait(false);
            if (response.Length > 0) TrySend(response.Written.ToArray());
            if (after is not null)
                foreach (var action in after) action();
        }
        catch (Exception e) when (IsDisconnect(e))
        {
            // The connection ended while the answer was made.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task SendLoopAsync()
    {
        try
        {
            await foreach (var message in _outbound.Reader.ReadAllAsync(Closed).ConfigureAwait(false))
            {
                await WriteAsync(message, Closed).ConfigureAwait(false);
                Interlocked.Add(ref _queuedBytes, -message.Length);
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
}
