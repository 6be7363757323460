namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// How long one waits for the answer to one request: as long as it goes on coming, for a body may be of megabytes and a line slow. Where
/// others could answer it has to come fast enough too (<see cref="Patience"/>). Thread safe.
/// </summary>
internal sealed class AnswerLimit : IDisposable
{
    /// <summary>Of bytes that come: more than an answer has, with what may come before it, show nothing of it.</summary>
    private const long MostCounted = 32L * 1024 * 1024;

    private readonly CancellationTokenSource _reached = new();
    private readonly Lock _lock = new();
    private readonly Func<long> _received;
    private readonly TimeSpan _silence;
    private readonly Patience? _patience;
    private readonly TimeProvider _clock;
    private readonly int _bytesPerUnit;
    private readonly ITimer _timer;
    private readonly long _before;
    private long _counted;
    private long _countedAt;
    private bool _isOver;

    /// <param name="received">Bytes that have come from the peer, see <see cref="Ports.IPeerNetwork.ReceivedFrom"/>.</param>
    /// <param name="silence">How long nothing may come.</param>
    /// <param name="patience">Instead of that, while others could answer; null while there are none.</param>
    /// <param name="bytesPerUnit">Of what the patience counts.</param>
    public AnswerLimit(Func<long> received, TimeSpan silence, Patience? patience, TimeProvider clock, int bytesPerUnit = 1)
    {
        (_received, _silence, _patience, _clock, _bytesPerUnit) = (received, silence, patience, clock, bytesPerUnit);
        (_before, _countedAt) = (received(), clock.GetTimestamp());
        _timer = clock.CreateTimer(static limit => ((AnswerLimit)limit!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(patience?.Left ?? silence, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when it is reached.</summary>
    public CancellationToken Token => _reached.Token;

    public bool IsReached => _reached.IsCancellationRequested;

    /// <summary>The answer is there, or none will come.</summary>
    /// <param name="worth">What of use came, in what the patience counts.</param>
    public void End(long worth)
    {
        lock (_lock)
        {
            if (_isOver) return;
            _isOver = true;
            _patience?.Count(_clock.GetElapsedTime(_countedAt), Math.Max(worth - (_counted / _bytesPerUnit), 0));
        }
    }

    public void Dispose()
    {
        End(0);
        _timer.Dispose();
        _reached.Dispose();
    }

    private void Due()
    {
        lock (_lock)
        {
            if (_isOver) return;
            var wait = WaitOn();
            // Under the lock: once it is over nothing is cancelled any more.
            if (wait <= TimeSpan.Zero) _reached.Cancel();
            else _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private TimeSpan WaitOn()
    {
        var came = Math.Max(Math.Min(_received() - _before, MostCounted) - _counted, 0);
        var waited = _clock.GetElapsedTime(_countedAt);
        (_counted, _countedAt) = (_counted + came, _clock.GetTimestamp());
        if (_patience is null) return came > 0 ? _silence : TimeSpan.Zero;
        _patience.Count(waited, came / _bytesPerUnit);
        return _patience.Left;
    }
}
