using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>Keeps one static node connected: dials, waits for the end, pauses, dials again.</summary>
internal sealed class StaticPeer(Enode enode, PeerServerOptions options, PeerRegistry registry, TimeProvider time)
{
    /// <summary>A connection that lasted this long was a good one: the next pause is short again.</summary>
    private static readonly TimeSpan GoodConnection = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private string? _lastEnd;
    private volatile TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Enode Enode { get; } = enode;

    /// <summary>How the last attempt, or connection, ended; null before the first.</summary>
    public string? LastEnd
    {
        get => Volatile.Read(ref _lastEnd);
        set => Volatile.Write(ref _lastEnd, value);
    }

    /// <summary>Ends the current pause: something has changed that may let the next attempt succeed.</summary>
    public void Hurry() => _hurry.TrySetResult();

    public void Stop() => _stop.Cancel();

    /// <param name="mayDial">False while a dial could not succeed (no status yet, or not allowed).</param>
    /// <param name="connect">
    /// Dials and runs the connection to its end; true when Status succeeded. Does not throw for failures of the peer.
    /// </param>
    public async Task RunAsync(Func<bool> mayDial, Func<Enode, CancellationToken, Task<bool>> connect, CancellationToken serverStop)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(serverStop, _stop.Token);
        var pause = options.FirstRedialDelay;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                long started = time.GetTimestamp();
                bool connected = await AttemptAsync(mayDial, connect, stop.Token).ConfigureAwait(false);
                if (connected && time.GetElapsedTime(started) > GoodConnection || !mayDial())
                    pause = options.FirstRedialDelay;
                if (await PauseAsync(Jitter(pause), stop.Token).ConfigureAwait(false))
                    pause = options.FirstRedialDelay;
                else
                    pause = pause * 2 < options.MaxRedialDelay ? pause * 2 : options.MaxRedialDelay;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    /// <summary>True when there was a connection, by either side's dial.</summary>
    private async Task<bool> AttemptAsync(Func<bool> mayDial, Func<Enode, CancellationToken, Task<bool>> connect, CancellationToken ct)
    {
        if (registry.Find(Enode.NodeId) is { } existing)
        {
            await existing.Completed.WaitAsync(ct).ConfigureAwait(false);
            return true;
        }
        return mayDial() && await connect(Enode, ct).ConfigureAwait(false);
    }

    /// <summary>True when hurried.</summary>
    private async Task<bool> PauseAsync(TimeSpan pause, CancellationToken ct)
    {
        var hurry = _hurry.Task;
        var delay = Task.Delay(pause, time, ct);
        bool hurried = await Task.WhenAny(hurry, delay).ConfigureAwait(false) == hurry;
        ct.ThrowIfCancellationRequested();
        if (hurry.IsCompleted)
            _hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return hurried;
    }

    private static TimeSpan Jitter(TimeSpan pause) => pause * (0.5 + Random.Shared.NextDouble());
}
