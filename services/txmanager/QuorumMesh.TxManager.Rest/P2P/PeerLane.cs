using System.Buffers;
using System.Net;
using System.Threading.RateLimiting;
using Polly;
using Polly.CircuitBreaker;
using QuorumMesh.Contracts;
using QuorumMesh.Listeners;
using QuorumMesh.Outbound;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>
/// The way to one peer: how many pushes run and wait (bulkhead), until when (deadline), and whether it is worth a try (circuit breaker).
/// What goes wrong there costs only those who send to it.
/// </summary>
internal sealed class PeerLane : IDisposable
{
    /// <summary>Receipts that may come before the answers to their pushes.</summary>
    private const int MaxInFlight = 48 * PushMany.MaxPayloads;

    private readonly PeerClientOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConcurrencyLimiter _limiter;
    private readonly ResiliencePipeline _breaker;
    private readonly CircuitBreakerManualControl _control = new();
    private readonly CircuitBreakerStateProvider _state = new();
    private int _users;
    private int _unsigned;
    private int _hasNotes;
    private volatile bool _takesMany;
    private volatile bool _signsReceipts;

    /// <param name="tell">Called when the circuit opens and closes, with a line for the log.</param>
    /// <param name="push">Sends what <see cref="Pushes"/> has gathered.</param>
    public PeerLane(string peerUrl, PeerClientOptions options, TimeProvider clock, Action<string> tell,
        Func<PeerLane, IReadOnlyList<CoalescedCall<ReadOnlySequence<byte>, HttpStatusCode>>, Task> push)
    {
        PeerUrl = peerUrl;
        Pushes = new Coalescer<ReadOnlySequence<byte>, HttpStatusCode>(new CoalescerOptions(), some => push(this, some), clock);
        _options = options;
        _clock = clock;
        _limiter = new ConcurrencyLimiter(
            new ConcurrencyLimiterOptions { PermitLimit = options.MaxPushesPerPeer, QueueLimit = options.MaxWaitingPerPeer });
        _breaker = new ResiliencePipelineBuilder { TimeProvider = clock }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = 0.9,
            MinimumThroughput = options.FailuresToBreak,
            SamplingDuration = TimeSpan.FromSeconds(30),
            BreakDuration = options.Break,
            ManualControl = _control,
            StateProvider = _state,
            // A refusal is an answer, and a busy peer answers late: other payloads may go through. Only one that is away is left alone.
            ShouldHandle = new PredicateBuilder().Handle<PrivacyException>(e => e.Failure == Failure.PeerOffline),
            OnOpened = _ => Told(
                $"The manager at {peerUrl} cannot be reached: sends to it fail at once, tried again every "
                + $"{options.Break.TotalSeconds:0.#} s"),
            OnClosed = _ => Told($"The manager at {peerUrl} takes pushes again"),
        }).Build();

        ValueTask Told(string line)
        {
            tell(line);
            return ValueTask.CompletedTask;
        }
    }

    public string PeerUrl { get; }

    /// <summary>Pushes that may go together.</summary>
    public Coalescer<ReadOnlySequence<byte>, HttpStatusCode> Pushes { get; }

    /// <summary>Whether the peer takes several pushes in one request, as it said last.</summary>
    public bool TakesMany
    {
        get => _takesMany;
        set => _takesMany = value;
    }

    /// <summary>Whether the peer has an identity, as it said last.</summary>
    public bool SignsReceipts
    {
        get => _signsReceipts;
        set => _signsReceipts = value;
    }

    /// <summary>The name under which this peer notes receipts for us: known to us and to it, for whoever has it may fetch them.</summary>
    public required string ReceiptName { get; init; }

    /// <summary>Whether the peer has noted pushes for receipts since the last look.</summary>
    public bool HasNotes => Volatile.Read(ref _hasNotes) == 1;

    /// <param name="most">As many as were pushed: a peer that says more could fill our database.</param>
    public void Noted(int pushes, int most)
    {
        if (pushes <= 0)
            return;
        Interlocked.Add(ref _unsigned, Math.Min(pushes, most));
        Volatile.Write(ref _hasNotes, 1);
    }

    /// <summary>Receipts are fetched, or could not be and are to be asked for again.</summary>
    public void Look(bool again) => Volatile.Write(ref _hasNotes, again ? 1 : 0);

    /// <summary>So many receipts came.</summary>
    /// <returns>False for more than the peer had pushes of ours. Some may come before the answers to their pushes, or those were lost: one
    /// is forgiven with each look.</returns>
    public bool TakeReceipts(int count)
    {
        while (true)
        {
            var before = Volatile.Read(ref _unsigned);
            // A peer that gives none has forgotten what it noted; what it gave too many stays so.
            var left = count == 0 ? Math.Min(before, 0) : before - count;
            if (Interlocked.CompareExchange(ref _unsigned, left < 0 ? left + 1 : left, before) == before)
                return left >= -MaxInFlight;
        }
    }

    public bool IsIdle => Volatile.Read(ref _users) == 0 && _state.CircuitState == CircuitState.Closed;

    /// <exception cref="PrivacyException"><see cref="Failure.PeerUnresponsive"/> with <paramref name="message"/>, or the call's
    /// own.</exception>
    /// <param name="bytes">To send: longer ones have more time.</param>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, string message, long bytes, CancellationToken cancel)
    {
        Interlocked.Increment(ref _users);
        try
        {
            using var deadline = new CancellationTokenSource(TransferTime.For(bytes, _options.PushTimeout), _clock);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
            async ValueTask<T> Run(CancellationToken _) => await TakeTurnAsync(call, message, both.Token, cancel).ConfigureAwait(false);
            return await _breaker.ExecuteAsync(Run, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or BrokenCircuitException)
        {
            throw new PrivacyException(Failure.PeerUnresponsive, message, e);
        }
        finally
        {
            Interlocked.Decrement(ref _users);
        }
    }

    /// <summary>The peer answered another kind of call: its pushes are worth a try at once.</summary>
    public async Task HasAnsweredAsync()
    {
        if (_state.CircuitState is CircuitState.Open or CircuitState.HalfOpen)
            await _control.CloseAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        Pushes.Dispose();
        _limiter.Dispose();
    }

    private async Task<T> TakeTurnAsync<T>(Func<CancellationToken, Task<T>> call, string message, CancellationToken cancel,
        CancellationToken caller)
    {
        try
        {
            using var turn = await _limiter.AcquireAsync(1, cancel).ConfigureAwait(false);
            return turn.IsAcquired
                ? await call(cancel).ConfigureAwait(false)
                : throw new PrivacyException(Failure.PeerUnresponsive, message);
        }
        catch (OperationCanceledException e) when (!caller.IsCancellationRequested)
        {
            throw new TimeoutException("no answer in time", e);
        }
    }
}
