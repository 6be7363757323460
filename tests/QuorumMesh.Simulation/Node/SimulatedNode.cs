using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>One whole node, put together as the host does it, on a disk and a store that lose power, with its manager.</summary>
internal sealed class SimulatedNode
{
    private const int MaxBulkPerPass = 512;

    private readonly NodeNetwork _network;
    private readonly Random _random;
    private readonly VirtualClock _clock;
    private SimulatedRaftDisk _disk = new();
    private Mailbox<NodeInput> _mailbox = new();
    private FileRaftLog? _log;
    private NodeAssembly? _assembly;
    private VirtualScheduler? _background;
    private SimulatedRaftTransport? _transport;
    private long _deadline;
    private bool _isCatchingUp;

    public SimulatedNode(ushort id, NodeNetwork network, Random random)
    {
        (Id, _network, _random) = (id, network, random);
        _clock = new VirtualClock(network, TimeSpan.FromMicroseconds(random.Next(500_000)));
        TestChain.Open(Store);
    }

    public ushort Id { get; }
    public string NodeId => Convert.ToHexStringLower(TestChain.Signer(1000 + Id).PublicKey);
    public CrashableStore Store { get; } = new();
    public SimulatedManager Manager { get; } = new();
    public NodeCore? Core => _assembly?.Core;
    public RaftDriver? Raft => _assembly?.Raft;
    public NodeAssembly? Assembly => _assembly;
    public NodeStores? Stores { get; private set; }
    public bool IsUp => _assembly is not null;

    /// <summary>Its end of the Raft network, while it is up.</summary>
    public SimulatedRaftTransport Transport => _transport!;

    /// <summary>It refuses to start for want of its log.</summary>
    public bool HasLostLog { get; private set; }

    /// <summary>Counts the starts: what was under way to an earlier life is dropped.</summary>
    public int Life { get; private set; }

    public long PausedUntil { get; set; }

    public void Start()
    {
        Life++;
        _mailbox = _network.NewMailbox();
        // Also within the start, and right after it: nothing that the life before left has been written back then.
        if (_network.IsFaulty && _random.Next(4) == 0) LosePowerSoon();
        Guarded(Open);
        if (IsUp) _network.Started(this);
    }

    private void Open()
    {
        Stores = TestChain.Open(Store);
        _log = new FileRaftLog(_disk, segmentSize: 64_000);
        var lost = RaftParticipation.Lost(Store, _log);
        if (lost is not null != HasLostLog)
            throw new NodeSimulationException(
            $"node {Id}: its log was {(HasLostLog ? "taken" : "not taken")}, and it finds that it {lost ?? "is whole"}");
        if (HasLostLog) return;
        _background = new VirtualScheduler(_network);
        _transport = new SimulatedRaftTransport(_network.SendRaft);
        var link = new RaftLink(_transport, static _ => { }, static () => { });
        var assembly = new NodeAssembly(CoreSetup(), new ConsensusSetup.RaftMember(RaftSetup(_log), link), new NodeSeams
        {
            Peers = new SimulatedPeers(this, _network),
            Manager = new ManagerLink(this, _network, _clock),
            Clock = _clock,
            Post = _mailbox.TryPostUrgent,
            PostBulk = _mailbox.TryPostBulk,
            Background = _background,
        });
        (_deadline, PausedUntil, _isCatchingUp) = (_network.Now, 0, false);
        _assembly = assembly;
        assembly.Start();
    }

    private NodeCoreSetup CoreSetup()
    {
        var events = new NodeEvents();
        events.EntryPassedOver += _network.EntryPassedOver;
        events.RaftMessageRefused += refused => _network.MessageRefused(this, refused);
        events.NewHead += head => _network.HeadSeen(this, head.Block);
        events.CatchUpFailed += reason => throw new NodeSimulationException($"node {Id}: {reason}");
        events.HeadStandingChanged += standing => throw new NodeSimulationException($"node {Id}: {standing.Conflict}");
        return new NodeCoreSetup
        {
            Stores = Stores!,
            Signer = TestChain.Signer(1000 + Id),
            Events = events,
            KeptPublicBlocks = _network.KeptPublicBlocks,
            PayloadCacheBytes = _network.PayloadCacheBytes,
        };
    }

    private RaftSetup RaftSetup(FileRaftLog log)
    {
        var config = new RaftConfig
        {
            Id = Id,
            Applied = ChainStore.GetAppliedRaftIndex(Store),
            ConfState = RaftMembers.LoadConfState(Store, log),
            PreVote = _network.KnowsPreVote(Id),
            MaxSizePerMessage = 20_000,
            MaxInflight = 8,
        };
        return new RaftSetup
        {
            Core = RaftParticipation.IsFresh(log)
                ? RaftCore.Bootstrap(config with { Applied = 0, ConfState = null }, log, _random.Next, NodeNetwork.Bootstrap)
                : new RaftCore(config, log, _random.Next),
            Log = log,
            Id = Id,
            SnapshotInterval = 40,
            EntriesKept = 20,
        };
    }

    /// <summary>As the node's service does it for its own payloads.</summary>
    public bool Post(NodeInput input) => IsUp && _mailbox.TryPostUrgent(input);

    /// <summary>As the node's service does it for transactions.</summary>
    public bool PostBulk(NodeInput input) => IsUp && _mailbox.TryPostBulk(input);

    /// <summary>One pass of the loop, when one is due.</summary>
    public void Run(long now)
    {
        if (!IsUp || now < PausedUntil) return;
        var inputs = new List<NodeInput>();
        _mailbox.Take(inputs, MaxBulkPerPass, TimeSpan.Zero);
        if (inputs.Count > 0 || now >= _deadline) Guarded(() => Pass(inputs));
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
        Life++;
        _background?.End();
        (_assembly, Stores, _log) = (null, null, null); // not disposed: that would flush
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
        Start();
    }

    /// <summary>A clean stop, which the power may be lost after as well.</summary>
    public void Stop()
    {
        if (!IsUp) return;
        Guarded(() =>
        {
            _assembly!.Close();
            _log!.Dispose();
        });
        if (IsUp) Crash();
    }

    private void Pass(List<NodeInput> inputs)
    {
        _deadline = _assembly!.Pass(inputs);
        var core = _assembly.Core;
        if (core.PrivateHead.Number > core.Head.Number)
            throw new NodeSimulationException(
                $"node {Id}: private head {core.PrivateHead.Number} is past the public head {core.Head.Number}");
        if (!_isCatchingUp && _assembly.Sync is not null) _network.CaughtUp();
        _isCatchingUp = _assembly.Sync is not null;
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
}
