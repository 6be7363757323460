using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Runtime.Sync;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// A node's core with everything that serves it, put together once: a host and a simulation give their seams and run its passes. Start,
/// pass and close come one after the other.
/// </summary>
public sealed class NodeAssembly : IAsyncDisposable
{
    private const long TickMs = 50;

    private readonly NodeSeams _seams;
    private readonly IConsensusLink _link;
    private readonly ChainSynchroniser _synchroniser;
    private readonly ChainFollower? _follower;
    private readonly PayloadFetcher _payloads;
    private readonly LatePayloadLookout _lookout;
    private readonly HeadProbe _heads;
    private readonly JournalFlusher _journal;
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<int> _ticksDue;
    private readonly Action<NodeEffects> _carryOut;
    private long _nextTick;

    public NodeAssembly(NodeCoreSetup setup, ConsensusSetup consensus, NodeSeams seams)
    {
        (_seams, _ticksDue, _carryOut) = (seams, TicksDue, CarryOut);
        (var driver, _link) = consensus.Open(setup);
        Raft = driver as RaftDriver;
        Bft = driver as BftDriver;
        Core = new NodeCore(setup with { Elapsed = seams.Elapsed ?? (() => Milliseconds) }, driver);
        _synchroniser = new ChainSynchroniser(seams.Peers, seams.Post, seams.Clock);
        _payloads = new PayloadFetcher(seams.Manager, seams.Post, seams.Clock, seams.Background);
        _lookout = new LatePayloadLookout(seams.Manager, setup.Stores, seams.Post, seams.Clock);
        _heads = new HeadProbe(seams.Peers, seams.Post, seams.Clock);
        _journal = new JournalFlusher(
            setup.Stores.KeyValues, seams.Background, CarryOut, failed: () => seams.Post(new NodeInput.WakeUp()), seams.Clock);
        // Raft's blocks come out of its log; all other engines' carry the proof of their decision, and come from anybody.
        _follower = setup.Stores.Rules.Config.Engine == EngineKind.Raft ? null
            : new ChainFollower(seams.Peers, setup.Stores, seams.Post, seams.Clock);
        PeerHandler = new PeerRequestHandler(setup.Stores, seams.PostBulk, _follower);
        _link.Hear(seams.Post, setup.Events);
    }

    public NodeCore Core { get; }

    /// <summary>Null when the chain's engine is another one.</summary>
    public RaftDriver? Raft { get; }

    /// <summary>Null when the chain's engine is neither IBFT nor QBFT.</summary>
    public BftDriver? Bft { get; }

    /// <summary>Answers peers and takes their transactions.</summary>
    public IPeerRequestHandler PeerHandler { get; }

    /// <summary>Null when no catch-up runs. May be read from any thread.</summary>
    public SyncProgress? Sync => _synchroniser.Progress ?? _follower?.Progress;

    /// <summary>
    /// Opens the core, and connects it to network and manager. What the network says is heard, and waits, from the making on.
    /// </summary>
    public void Start()
    {
        Core.Open(Now());
        CarryOut(Core.TakeEarly());
        _seams.Manager.AskAbout(Core.ManagerRow);
        _payloads.Watch(Core.WatchAfter, 0, _stop.Token);
        if (_seams.Manager is { Enabled: true, TellsOfLatePayloads: false })
            _ = _seams.Background.Start(() => _lookout.RunAsync(_stop.Token));
        if (_follower is { } follower) _ = _seams.Background.Start(() => follower.RunAsync(_stop.Token));
        _nextTick = Milliseconds + TickMs;
    }

    /// <summary>One pass over some inputs, effects carried out.</summary>
    /// <returns>When the next one must come even without an input, on <see cref="Milliseconds"/>.</returns>
    public long Pass(IReadOnlyList<NodeInput> inputs)
    {
        _journal.ThrowIfFailed();
        var wakeAt = NodePass.Run(Core, Now(), inputs, _ticksDue, _carryOut);
        return Math.Min(_nextTick, wakeAt ?? long.MaxValue);
    }

    /// <summary>After the last pass, before the store is closed.</summary>
    public void Close() => Core.Close();

    /// <summary>Ends what runs in the background.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _payloads.DisposeAsync().ConfigureAwait(false);
        await _journal.EndAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>A time that never goes back.</summary>
    internal long Milliseconds => (long)_seams.Clock.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>How long the flush of the journal that runs has taken so far; zero when none does. May be read from any thread.</summary>
    internal TimeSpan JournalFlushing => _journal.Flushing;

    /// <summary>Streams open from a Raft member.</summary>
    internal int OpenStreams(ulong raftId) => _link is RaftLink link ? link.OpenStreams(raftId) : 0;

    /// <summary>A Raft member's answer to a health check; null when it does not answer.</summary>
    internal Task<RaftProbe?> ProbeAsync(ulong raftId, CancellationToken cancellation) =>
        _link is RaftLink link ? link.ProbeAsync(raftId, cancellation) : Task.FromResult<RaftProbe?>(null);

    private NodeTime Now() => new((ulong)(_seams.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100, Milliseconds);

    /// <summary>A process that was paused gets a few, not all that it missed.</summary>
    private int TicksDue()
    {
        const int mostMissed = 3;
        var due = 0;
        for (; _nextTick <= Milliseconds; _nextTick += TickMs) due++;
        return Math.Min(due, mostMissed);
    }

    private void CarryOut(NodeEffects effects)
    {
        foreach (var effect in effects.Network) _link.CarryOut(effect);
        if (effects.Journalled is { } journalled) _journal.Add(journalled);
        if (effects.Broadcast.Count > 0) _seams.Peers.RelayTransactions(Encoded(effects.Broadcast));
        if (effects.Announce.Count > 0) _seams.Peers.BroadcastTransactions(Encoded(effects.Announce), exceptNodeId: null, resend: true);
        foreach (var answer in effects.Answers) answer.Deliver();
        if (effects.ManagerRow is { } row) _seams.Manager.AskAbout(row);
        _payloads.Fetch(effects.FetchPayloads, effects.FetchFirst, _stop.Token);
        _payloads.FetchVotes(effects.FetchVotes, _stop.Token);
        if (effects.WatchFrom is { } watch) _payloads.Watch(watch.After, watch.Stream, _stop.Token);
        if (effects.CompareHeads is { } check) _ = _seams.Background.Start(() => _heads.RunAsync(check, _stop.Token));
        if (effects.Seek is { } height) _follower?.Seek(height);
        if (effects.Sync is { } sync) _ = _seams.Background.Start(() => _synchroniser.RunAsync(sync.Head, sync.Target, _stop.Token));
    }

    private void CarryOut(JournalledEffects effects)
    {
        if (effects.Broadcast.Count > 0) _seams.Peers.BroadcastTransactions(Encoded(effects.Broadcast), exceptNodeId: null);
        foreach (var answer in effects.Answers) answer.Deliver();
    }

    private static List<ReadOnlyMemory<byte>> Encoded(List<RecoveredTransaction> transactions) =>
        transactions.ConvertAll(t => (ReadOnlyMemory<byte>)t.Tx.Encode());
}
