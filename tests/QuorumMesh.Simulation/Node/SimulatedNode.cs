using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>One whole node: the core that the host runs, on a disk and a store that lose power, with its manager.</summary>
internal sealed class SimulatedNode
{
    private const long TickMs = 50;

    private readonly NodeNetwork _network;
    private readonly Random _random;
    private SimulatedRaftDisk _disk = new();
    private readonly List<NodeInput> _inbox = [];
    private readonly ulong _skewNanoseconds;
    private FileRaftLog? _log;
    private RaftLink? _link;
    private long _nextTick;
    private long? _wakeAt;

    public SimulatedNode(ushort id, NodeNetwork network, Random random)
    {
        (Id, _network, _random) = (id, network, random);
        _skewNanoseconds = (ulong)random.Next(500_000_000);
        TestChain.Open(Store);
    }

    public ushort Id { get; }
    public CrashableStore Store { get; } = new();
    public SimulatedManager Manager { get; } = new();
    public NodeCore? Core { get; private set; }
    public RaftDriver? Raft { get; private set; }
    public NodeStores? Stores { get; private set; }
    public bool IsUp => Core is not null;

    /// <summary>It refuses to start for want of its log.</summary>
    public bool HasLostLog { get; private set; }

    /// <summary>Counts the starts: what was under way to an earlier life is dropped.</summary>
    public int Life { get; private set; }

    public long PausedUntil { get; set; }

    /// <summary>The Watch stream that is followed.</summary>
    public int Stream { get; set; }

    public void Start(long now)
    {
        Life++;
        _inbox.Clear();
        // Also within the start, and right after it: nothing that the life before left has been written back then.
        if (_network.IsFaulty && _random.Next(4) == 0) LosePowerSoon();
        Guarded(() => Open(now));
        if (IsUp) _network.Started(this);
    }

    private void Open(long now)
    {
        Stores = TestChain.Open(Store);
        _log = new FileRaftLog(_disk, segmentSize: 64_000);
        var lost = RaftParticipation.Lost(Store, _log);
        if (lost is not null != HasLostLog) throw new NodeSimulationException($"node {Id}: its log was {(HasLostLog ? "taken" : "not taken")}, and it finds that it {lost ?? "is whole"}");
        if (HasLostLog) return;
        var config = new RaftConfig
        {
            Id = Id,
            Applied = ChainStore.GetAppliedRaftIndex(Store),
            ConfState = RaftMembers.LoadConfState(Store, _log),
            PreVote = _network.KnowsPreVote(Id),
            MaxSizePerMessage = 20_000,
            MaxInflight = 8,
        };
        var events = new NodeEvents();
        events.EntryPassedOver += _network.EntryPassedOver;
        events.RaftMessageRefused += refused => _network.MessageRefused(this, refused);
        events.NewHead += head => _network.HeadSeen(this, head.Block);
        var raft = new RaftSetup
        {
            Core = RaftParticipation.IsFresh(_log)
                ? RaftCore.Bootstrap(config with { Applied = 0, ConfState = null }, _log, _random.Next, NodeNetwork.Bootstrap)
                : new RaftCore(config, _log, _random.Next),
            Log = _log,
            Id = Id,
            SnapshotInterval = 40,
            EntriesKept = 20,
        };
        var setup = new NodeCoreSetup
        {
            Stores = Stores,
            Signer = TestChain.Signer(1000 + Id),
            Events = events,
            KeptPublicBlocks = _network.KeptPublicBlocks,
            PayloadCacheBytes = _network.PayloadCacheBytes,
        };
        Raft = new RaftDriver(raft, Stores, setup.Signer, events);
        Core = new NodeCore(setup, Raft);
        _link = new RaftLink(new SimulatedRaftTransport(_network.SendRaft), static _ => { }, static () => { });
        (_nextTick, _wakeAt, PausedUntil) = (now + TickMs, now, 0);
        Core.Open(TimeOf(now));
    }

    public void Post(NodeInput input)
    {
        if (IsUp) _inbox.Add(input);
    }

    /// <summary>One pass of the host's loop.</summary>
    public void Run(long now)
    {
        if (!IsUp || now < PausedUntil || (_inbox.Count == 0 && now < _nextTick && !(now >= _wakeAt))) return;
        Guarded(() => Pass(now));
    }

    /// <summary>One of the next operations on disk or store fails, in the middle of whatever it belongs to.</summary>
    public void LosePowerSoon()
    {
        if (_random.Next(2) == 0) _disk.LosePowerAfter(_random.Next(1, 8), _random);
        else Store.LosePowerAfter(_random.Next(8));
    }

    /// <summary>No more power losses.</summary>
    public void Heal()
    {
        _disk.LosePowerAfter(int.MaxValue, _random);
        Store.LosePowerAfter(int.MaxValue);
        (PausedUntil, Manager.DownUntil, Manager.LostUntil) = (0, 0, 0);
    }

    /// <summary>The process ends, or the machine with it.</summary>
    public void Crash()
    {
        (Core, Raft, Stores, _log) = (null, null, null, null); // not disposed: that would flush
        if (_random.Next(2) == 0)
        {
            _disk.Kill();
            Store.Kill();
        }
        else
        {
            _disk.Crash(_random);
            Store.Crash(_random);
        }
        _network.Crashed(this);
    }

    /// <summary>The directory of the log is gone; the chain's is there.</summary>
    public void LoseLog()
    {
        if (IsUp) Crash();
        if (!RaftParticipation.IsNoted(Store)) return;
        (_disk, HasLostLog) = (new SimulatedRaftDisk(), true);
        Start(0);
    }

    /// <summary>A clean stop, which the power may be lost after as well.</summary>
    public void Stop()
    {
        if (!IsUp) return;
        Guarded(() =>
        {
            Core!.Close();
            _log!.Dispose();
        });
        if (IsUp) Crash();
    }

    private void Pass(long now)
    {
        // What is sent may come back as an input within the pass.
        var inputs = _inbox.ToList();
        _inbox.Clear();
        NodeEffects effects = null!;
        _wakeAt = NodePass.Run(Core!, TimeOf(now), inputs, () => TicksDue(now), some =>
        {
            foreach (var effect in some.Network) _link!.CarryOut(effect);
            effects = some;
        });
        if (Core!.PrivateHead.Number > Core.Head.Number)
            throw new NodeSimulationException($"node {Id}: private head {Core.PrivateHead.Number} is past the public head {Core.Head.Number}");
        // A kill between making durable and carrying out.
        if (_network.IsFaulty && _random.Next(3000) == 0) throw new SimulatedPowerLossException();
        _network.CarryOut(this, effects);
    }

    private int TicksDue(long now)
    {
        var due = 0;
        for (; _nextTick <= now; _nextTick += TickMs) due++;
        return Math.Min(due, 3);
    }

    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (SimulatedPowerLossException)
        {
            Crash();
        }
        catch (IOException e) when (e.InnerException is SimulatedPowerLossException)
        {
            Crash();
        }
    }

    private NodeTime TimeOf(long now) => new(1_700_000_000_000_000_000UL + ((ulong)now * 1_000_000) + _skewNanoseconds, now);
}
