using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Drives the core on one thread of its own: takes inputs from the mailbox, gives ticks, and carries the effects out. Everything that waits (manager, peers) runs
/// elsewhere and comes back as an input.
/// </summary>
public sealed class NodeLoop : IAsyncDisposable
{
    private const int MaxBulkPerBatch = 512;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);

    private readonly NodeCore _core;
    private readonly Mailbox<NodeInput> _mailbox;
    private readonly IPeerNetwork _peers;
    private readonly ChainSynchroniser _synchroniser;
    private readonly PayloadFetcher _payloads;
    private readonly HeadProbe _heads;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private long _lastPass;

    public NodeLoop(NodeCore core, Mailbox<NodeInput> mailbox, IPeerNetwork peers, ITransactionManager manager, TimeProvider clock)
    {
        (_core, _mailbox, _peers, _clock) = (core, mailbox, peers, clock);
        _synchroniser = new ChainSynchroniser(peers, mailbox.TryPostUrgent, clock);
        _payloads = new PayloadFetcher(manager, mailbox.TryPostUrgent, clock);
        _heads = new HeadProbe(peers, mailbox.TryPostUrgent, clock);
        _thread = new Thread(Run) { IsBackground = true, Name = "node-loop" };
    }

    /// <summary>Completes when the loop has ended; faulted with <see cref="NodeHaltedException"/> when it could not go on.</summary>
    public Task Ended => _ended.Task;

    public SyncProgress? Sync => _synchroniser.Progress;

    /// <summary>How long the loop has been at one batch: it takes nothing in meanwhile. May be read from any thread, once started.</summary>
    public TimeSpan SinceLastPass => TimeSpan.FromMilliseconds(Milliseconds - Volatile.Read(ref _lastPass));

    /// <summary>Answers peers and takes their transactions.</summary>
    public IPeerRequestHandler CreatePeerHandler(NodeStores stores) => new PeerRequestHandler(stores, _mailbox.TryPostBulk);

    public void Start()
    {
        _core.Open(Now());
        Volatile.Write(ref _lastPass, Milliseconds);
        _payloads.Watch(_core.WatchAfter, 0, _stop.Token);
        _thread.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _ = _mailbox.TryPostUrgent(new NodeInput.Query(static _ => { }));
        if (!_thread.ThreadState.HasFlag(ThreadState.Unstarted)) await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _payloads.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            var batch = new List<NodeInput>();
            var nextTick = Milliseconds + (long)TickInterval.TotalMilliseconds;
            long? wakeAt = null;
            while (!_stop.IsCancellationRequested)
            {
                var deadline = Math.Min(nextTick, wakeAt ?? long.MaxValue);
                _mailbox.Take(batch, MaxBulkPerBatch, TimeSpan.FromMilliseconds(Math.Max(0, deadline - Milliseconds)));
                var now = Now();
                var trace = _core.TracePrivate();
                Volatile.Write(ref _lastPass, now.Milliseconds);
                _core.Begin(now);
                foreach (var input in batch) _core.Handle(input);
                batch.Clear();
                nextTick = Tick(nextTick);
                var effects = _core.Complete();
                trace?.Invoke();
                CarryOut(effects);
                wakeAt = effects.WakeAt;
            }
            _core.Close();
            _ended.TrySetResult();
        }
        catch (Exception e)
        {
            _ended.TrySetException(e);
        }
    }

    /// <summary>Gives the ticks that are due; a process that was paused gets a few, not all that it missed.</summary>
    private long Tick(long nextTick)
    {
        const int mostMissed = 3;
        var interval = (long)TickInterval.TotalMilliseconds;
        for (var given = 0; nextTick <= Milliseconds; nextTick += interval)
            if (given++ < mostMissed) _core.Tick();
        return nextTick;
    }

    private void CarryOut(NodeEffects effects)
    {
        if (effects.Broadcast.Count > 0) _peers.BroadcastTransactions(Encoded(effects.Broadcast), exceptNodeId: null);
        if (effects.Announce.Count > 0) _peers.BroadcastTransactions(Encoded(effects.Announce), exceptNodeId: null, resend: true);
        foreach (var acknowledge in effects.Acknowledgements) acknowledge();
        _payloads.Fetch(effects.FetchPayloads, effects.FetchFirst, _stop.Token);
        if (effects.WatchFrom is { } watch) _payloads.Watch(watch.After, watch.Stream, _stop.Token);
        if (effects.CompareHeads is { } check) _ = _heads.RunAsync(check, _stop.Token);
        if (effects.Sync is { } sync) _ = _synchroniser.RunAsync(sync.Head, sync.Target, _stop.Token);
    }

    private static List<ReadOnlyMemory<byte>> Encoded(List<RecoveredTransaction> transactions) => transactions.ConvertAll(t => (ReadOnlyMemory<byte>)t.Tx.Encode());

    private long Milliseconds => (long)_clock.GetElapsedTime(0).TotalMilliseconds;

    private NodeTime Now() => new((ulong)(_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100, Milliseconds);
}
