namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// How long one waits for the answer to one request: as long as it goes on coming, for a body may be of megabytes and a line slow, and in
/// no mere drops. While others could answer, which may be so later than at first, it has to come fast enough too
/// (<see cref="Patience"/>). Thread safe.
/// </summary>
internal sealed class AnswerLimit : IDisposable
{
    /// <summary>Of bytes that come: more than an answer has, with what may come before it, show nothing of it.</summary>
    private const long MostCounted = 32L * 1024 * 1024;

    /// <summary>What comes more slowly is no better than silence: 8 kbit/s.</summary>
    private const int LeastBytesPerSecond = 1_024;

    private readonly CancellationTokenSource _reached = new();
    private readonly Lock _lock = new();
    private readonly Func<long> _received;
    private readonly TimeSpan _silence;
    private readonly Func<Patience?> _patience;
    private readonly TimeProvider _clock;
    private readonly int _bytesPerUnit;
    private readonly ITimer _timer;
    private readonly long _before;
    private Patience? _current;
    private long _counted;
    private long _countedAt;
    private bool _isOver;

    /// <param name="received">Bytes that have come from the peer, see <see cref="Ports.IPeerNetwork.ReceivedFrom"/>.</param>
    /// <param name="silence">How long nothing, or next to nothing, may come.</param>
    /// <param name="patience">
    /// Instead of that, while others could answer; null while there are none. Asked again and again, on other threads too.
    /// </param>
    /// <param name="bytesPerUnit">Of what the patience counts.</param>
    public AnswerLimit(Func<long> received, TimeSpan silence, Func<Patience?> patience, TimeProvider clock, int bytesPerUnit = 1)
    {
        (_received, _silence, _patience, _clock, _bytesPerUnit) = (received, silence, patience, clock, bytesPerUnit);
        (_before, _countedAt, _current) = (received(), clock.GetTimestamp(), patience());
        _timer = clock.CreateTimer(static limit => ((AnswerLimit)limit!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(_current?.Left ?? silence, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when it is reached.</summary>
    public CancellationToken Token => _reached.Token;

    public bool IsReached => _reached.IsCancellationRequested;

    /// <summary>Whether it was reached while others could answer.</summary>
    public bool IsSlow { get; private set; }

    /// <summary>The answer is there, or none will come.</summary>
    /// <param name="worth">What of use came, in what the patience counts.</param>
    /// <returns>Whether it counted for the patience.</returns>
    public bool End(long worth)
    {
        lock (_lock)
        {
            if (_isOver) return false;
            _isOver = true;
            _current?.Count(_clock.GetElapsedTime(_countedAt), Math.Max(worth - (_counted / _bytesPerUnit), 0));
            return _current is not null;
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
            if (wait > TimeSpan.Zero)
            {
                _timer.Change(wait, Timeout.InfiniteTimeSpan);
                return;
            }
            IsSlow = _current is not null;
            _reached.Cancel();
        }
    }

    private TimeSpan WaitOn()
    {
        var came = Math.Max(Math.Min(_received() - _before, MostCounted) - _counted, 0);
        var waited = _clock.GetElapsedTime(_countedAt);
        (_counted, _countedAt) = (_counted + came, _clock.GetTimestamp());
        var before = _current;
        _current = _patience();
        // By the rule that held while it was waited: nobody gains by others that come and go.
        if (before is null && came < LeastBytesPerSecond * waited.TotalSeconds) return TimeSpan.Zero;
        before?.Count(waited, came / _bytesPerUnit);
        return _current?.Left ?? _silence;
    }
}
