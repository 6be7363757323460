using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// One whole node, put together as the host does it, on a store that loses power, with its manager. What its engine needs beside that is
/// given by the kinds of it.
/// </summary>
internal abstract class SimulatedNode
{
    private const int MaxBulkPerPass = 512;

    private readonly NodeNetwork _network;
    private readonly VirtualClock _clock;
    private Mailbox<NodeInput> _mailbox = new();
    private NodeAssembly? _assembly;
    private VirtualScheduler? _background;
    private long _deadline;
    private bool _isCatchingUp;
    private double _worked;

    protected SimulatedNode(ushort id, NodeNetwork network, Random random, TimeSpan skew)
    {
        (Id, _network, Random) = (id, network, random);
        _clock = new VirtualClock(network, skew);
        network.OpenStores(Store);
    }

    public ushort Id { get; }
    public string NodeId => Convert.ToHexStringLower(TestChain.Signer(1000 + Id).PublicKey);
    public CrashableStore Store { get; } = new();
    public SimulatedManager Manager { get; } = new();
    public NodeCore? Core => _assembly?.Core;
    public NodeAssembly? Assembly => _assembly;
    public NodeStores? Stores { get; private set; }
    public bool IsUp => _assembly is not null;

    /// <summary>Counts the starts: what was under way to an earlier life is dropped.</summary>
    public int Life { get; private set; }

    public long PausedUntil { get; set; }

    /// <summary>
    /// What each look at the time within a pass has cost, in ms: of loops there is one every 1,024 jumps. The node hears nothing before
    /// that is over.
    /// </summary>
    public double MsPerLook { get; set; }

    protected Random Random { get; }

    public void Start()
    {
        Life++;
        _mailbox = _network.NewMailbox();
        // Also within the start, and right after it: nothing that the life before left has been written back then.
        if (_network.IsFaulty && Random.Next(4) == 0 && _network.MayCrash) LosePowerSoon();
        Guarded(Open);
        if (IsUp) _network.Started(this);
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

    /// <summary>One of the next operations on a disk fails, in the middle of whatever it belongs to.</summary>
    public abstract void LosePowerSoon();

    /// <summary>No more power losses.</summary>
    public virtual void Heal()
    {
        Store.LosePowerAfter(int.MaxValue);
        (PausedUntil, Manager.DownUntil, Manager.LostUntil) = (0, 0, 0);
    }

    /// <summary>The process ends, or the machine with it.</summary>
    public void Crash()
    {
        Life++;
        _background?.End();
        (_assembly, Stores) = (null, null); // not disposed: that would flush
        Crash(isKill: Random.Next(2) == 0);
        _network.Crashed(this);
    }

    /// <summary>A clean stop, which the power may be lost after as well.</summary>
    public void Stop()
    {
        if (!IsUp) return;
        Guarded(() =>
        {
            _assembly!.Close();
            Closed();
        });
        if (IsUp) Crash();
    }

    /// <summary>Why it does not start on what its disks hold; null when it does.</summary>
    protected virtual string? Refusal() => null;

    /// <returns>Its engine, with links that end with this life.</returns>
    protected abstract ConsensusSetup OpenConsensus(NodeStores stores, SimulatedPeers peers);

    /// <summary>More that the network wants to hear of.</summary>
    protected virtual void Attach(NodeEvents events)
    {
    }

    /// <summary>What is on the disks after a crash.</summary>
    /// <param name="isKill">The process ended and the machine went on.</param>
    protected virtual void Crash(bool isKill)
    {
        if (isKill) Store.Kill();
        else Store.Crash(Random);
    }

    /// <summary>What a clean stop closes after the core.</summary>
    protected virtual void Closed()
    {
    }

    private void Open()
    {
        Stores = _network.OpenStores(Store);
        if (Refusal() is not null) return;
        _background = new VirtualScheduler(_network);
        var peers = new SimulatedPeers(this, _network);
        var consensus = OpenConsensus(Stores, peers);
        var assembly = new NodeAssembly(CoreSetup(), consensus, new NodeSeams
        {
            Peers = peers,
            Manager = new ManagerLink(this, _network, _clock),
            Clock = _clock,
            Elapsed = () => _network.Now + (long)(_worked += MsPerLook),
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
        events.NewHead += head => _network.HeadSeen(this, head.Block);
        events.CatchUpFailed += reason => throw new NodeSimulationException($"node {Id}: {reason}");
        events.HeadStandingChanged += standing => throw new NodeSimulationException($"node {Id}: {standing.Conflict}");
        Attach(events);
        return new NodeCoreSetup
        {
            Stores = Stores!,
            Signer = TestChain.Signer(1000 + Id),
            Events = events,
            KeptPublicBlocks = _network.KeptPublicBlocks,
            PayloadCacheBytes = _network.PayloadCacheBytes,
        };
    }

    private void Pass(List<NodeInput> inputs)
    {
        _worked = 0;
        _deadline = _assembly!.Pass(inputs);
        if (_worked >= 1) PausedUntil = Math.Max(PausedUntil, _network.Now + (long)_worked);
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
