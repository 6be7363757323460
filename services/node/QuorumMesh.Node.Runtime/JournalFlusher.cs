using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Group commit of the transaction journal, beside the writer loop: while one flush runs, what comes waits for the next one, which serves
/// all of it. Thread safe; what is carried out goes in the order in which it came.
/// </summary>
/// <param name="background">Flushes run there, one at a time.</param>
/// <param name="carryOut">Called with what is durable.</param>
/// <param name="failed">
/// Called once, when a flush, or what is carried out after it, has failed: the loop has to end, for nobody knows what is on the disk, or
/// who was answered.
/// </param>
/// <param name="clock">Times the flush that runs.</param>
internal sealed class JournalFlusher(
    IKeyValueStore store, TaskScheduler background, Action<JournalledEffects> carryOut, Action failed, TimeProvider clock)
{
    private const long Idle = -1;

    /// <summary>Answers wait for it: a longer one is told of.</summary>
    private static readonly TimeSpan Tolerated = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private List<JournalledEffects> _waiting = [];
    private Task _running = Task.CompletedTask;
    private bool _isRunning;
    private volatile Exception? _failure;
    private long _flushSince = Idle;

    /// <summary>How long the flush that runs has taken so far; zero when none does. May be read from any thread.</summary>
    public TimeSpan Flushing => Volatile.Read(ref _flushSince) is var since and not Idle ? clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>For operators.</summary>
    /// <returns>Null for a flush that is no longer than others.</returns>
    public static string? Tell(TimeSpan flush) => flush <= Tolerated ? null : string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"one flush of the transaction journal has taken {flush.TotalSeconds:F1} s and "
            + $"is not over: transactions that were sent to this node wait for it, and after 10 s it refuses more; look at its disk");

    /// <param name="effects">Their rows are written.</param>
    /// <exception cref="IOException">A flush has failed.</exception>
    public void Add(JournalledEffects effects)
    {
        ThrowIfFailed();
        lock (_lock)
        {
            _waiting.Add(effects);
            if (_isRunning) return;
            _isRunning = true;
            _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.DenyChildAttach, background);
        }
    }

    /// <exception cref="IOException">A flush has failed.</exception>
    public void ThrowIfFailed()
    {
        if (_failure is { } failure) throw new IOException($"the journal of transactions cannot be flushed: {failure.Message}", failure);
    }

    /// <summary>Waits for the flush that runs, with all that waits for it.</summary>
    public Task EndAsync()
    {
        lock (_lock) return _running;
    }

    private void Run()
    {
        var taken = new List<JournalledEffects>();
        while (true)
        {
            lock (_lock)
            {
                if (_waiting.Count == 0)
                {
                    _isRunning = false;
                    return;
                }
                // Before the flush begins: what comes from here on waits for the next one.
                (taken, _waiting) = (_waiting, taken);
            }
            try
            {
                Volatile.Write(ref _flushSince, clock.GetTimestamp());
                store.Sync();
                Volatile.Write(ref _flushSince, Idle);
                foreach (var effects in taken) carryOut(effects);
            }
            catch (Exception e)
            {
                // Stays running, so that nothing is flushed, or answered, any more.
                _failure = e;
                failed();
                return;
            }
            taken.Clear();
        }
    }
}
