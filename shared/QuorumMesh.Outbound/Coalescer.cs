namespace QuorumMesh.Outbound;

/// <summary>What of a <see cref="Coalescer{TAsk,TAnswer}"/> may be together.</summary>
public sealed record CoalescerOptions
{
    /// <summary>Calls in one message.</summary>
    public int MaxCalls { get; init; } = 128;

    /// <summary>Bytes of one message; a call that is longer goes alone.</summary>
    public long MaxBytes { get; init; } = 1024 * 1024;

    /// <summary>While so many messages are under way, calls gather.</summary>
    public int AtOnce { get; init; } = 2;

    /// <summary>How long they do at most: a message whose answer takes long holds up nobody for longer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(3);
}

/// <summary>One call of several in a message.</summary>
public sealed class CoalescedCall<TAsk, TAnswer>
{
    private readonly TaskCompletionSource<TAnswer> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal CoalescedCall(TAsk ask, long bytes, CancellationToken cancel) => (Ask, Bytes, Cancel) = (ask, bytes, cancel);

    public TAsk Ask { get; }

    /// <summary>The caller's own, which ends its waiting and not the message.</summary>
    public CancellationToken Cancel { get; }

    internal long Bytes { get; }

    internal Task<TAnswer> Outcome => _outcome.Task;

    /// <summary>The first outcome counts.</summary>
    public void Answer(TAnswer answer) => _outcome.TrySetResult(answer);

    /// <inheritdoc cref="Answer"/>
    public void Fail(Exception reason) => _outcome.TrySetException(reason);
}

/// <summary>
/// Calls of one kind to one server that are made at about the same time go as one message. One that comes alone goes at once; while some
/// messages are under way the next calls gather, and go when one of those is answered. Callers bound how many there are. Thread safe.
/// </summary>
public sealed class Coalescer<TAsk, TAnswer> : IDisposable
{
    private readonly CoalescerOptions _options;
    private readonly Func<IReadOnlyList<CoalescedCall<TAsk, TAnswer>>, Task> _send;
    private readonly Lock _gate = new();
    private readonly Queue<CoalescedCall<TAsk, TAnswer>> _waiting = [];
    private readonly ITimer _patience;
    private int _underWay;

    /// <param name="send">Sends some and gives each its outcome. What it throws is the outcome of those that have none yet.</param>
    public Coalescer(CoalescerOptions options, Func<IReadOnlyList<CoalescedCall<TAsk, TAnswer>>, Task> send, TimeProvider? clock = null)
    {
        (_options, _send) = (options, send);
        _patience = (clock ?? TimeProvider.System).CreateTimer(
            static state => ((Coalescer<TAsk, TAnswer>)state!).Send(evenSo: true), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <param name="bytes">About what it takes in the message.</param>
    /// <returns>Its own outcome, whatever becomes of those beside it.</returns>
    public Task<TAnswer> AskAsync(TAsk ask, long bytes, CancellationToken cancel)
    {
        var call = new CoalescedCall<TAsk, TAnswer>(ask, bytes, cancel);
        lock (_gate)
        {
            _waiting.Enqueue(call);
            if (_waiting.Count == 1 && _underWay < _options.AtOnce)
                // From another thread: what comes until that runs, as the rest of a burst does, goes along.
                ThreadPool.UnsafeQueueUserWorkItem(static self => self.Send(evenSo: false), this, preferLocal: false);
            else if (_waiting.Count == 1)
                Wait();
        }

        return cancel.CanBeCanceled ? call.Outcome.WaitAsync(cancel) : call.Outcome;
    }

    public void Dispose() => _patience.Dispose();

    private void Wait() => _patience.Change(_options.Patience, Timeout.InfiniteTimeSpan);

    /// <param name="evenSo">Whatever is under way.</param>
    private void Send(bool evenSo)
    {
        while (Take(evenSo) is { } some)
            _ = SendAsync(some);
    }

    /// <returns>Null when nothing waits, or too many are under way.</returns>
    private List<CoalescedCall<TAsk, TAnswer>>? Take(bool evenSo)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
                return null;
            if (_underWay >= _options.AtOnce && !evenSo)
            {
                // What did not fit into the last message: it waits no longer than the others did.
                Wait();
                return null;
            }

            var (some, bytes) = (new List<CoalescedCall<TAsk, TAnswer>>(Math.Min(_waiting.Count, _options.MaxCalls)), 0L);
            while (some.Count < _options.MaxCalls && _waiting.TryPeek(out var next)
                && (some.Count == 0 || bytes + next.Bytes <= _options.MaxBytes))
            {
                _waiting.Dequeue();
                // Its caller has left: what nobody waits for need not be done.
                if (next.Cancel.IsCancellationRequested)
                    continue;
                some.Add(next);
                bytes += next.Bytes;
            }

            if (some.Count == 0)
                return null;
            _underWay++;
            return some;
        }
    }

    private async Task SendAsync(List<CoalescedCall<TAsk, TAnswer>> some)
    {
        try
        {
            await _send(some).ConfigureAwait(false);
            foreach (var call in some)
                call.Fail(new InvalidOperationException("a call of several was left without an answer"));
        }
        catch (Exception e)
        {
            foreach (var call in some)
                call.Fail(e);
        }

        lock (_gate)
            _underWay--;
        Send(evenSo: false);
    }
}
