using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>A member of a Raft cluster, with its log on a disk that loses power.</summary>
internal sealed class RaftNode(ushort id, RaftNodeNetwork network, Random random)
    : SimulatedNode(id, network, random, TimeSpan.FromMicroseconds(random.Next(500_000)))
{
    private SimulatedRaftDisk _disk = new();
    private FileRaftLog? _log;
    private SimulatedRaftTransport? _transport;

    public RaftDriver? Raft => Assembly?.Raft;

    /// <summary>Its end of the Raft network, while it is up.</summary>
    public SimulatedRaftTransport Transport => _transport!;

    /// <summary>It refuses to start for want of its log.</summary>
    public bool HasLostLog { get; private set; }

    public override void LosePowerSoon()
    {
        if (Random.Next(2) == 0) _disk.LosePowerAfter(Random.Next(1, 8), Random);
        else Store.LosePowerAfter(Random.Next(8));
    }

    public override void Heal()
    {
        _disk.LosePowerAfter(int.MaxValue, Random);
        base.Heal();
    }

    /// <summary>The directory of the log is gone; the chain's is there.</summary>
    public void LoseLog()
    {
        if (IsUp) Crash();
        if (!RaftParticipation.IsNoted(Store)) return;
        (_disk, HasLostLog) = (new SimulatedRaftDisk(), true);
        Start();
    }

    protected override string? Refusal()
    {
        _log = new FileRaftLog(_disk, segmentSize: 64_000);
        var lost = RaftParticipation.Lost(Store, _log);
        return lost is not null == HasLostLog ? lost
            : throw new NodeSimulationException(
            $"node {Id}: its log was {(HasLostLog ? "taken" : "not taken")}, and it finds that it {lost ?? "is whole"}");
    }

    protected override ConsensusSetup OpenConsensus(NodeStores stores, SimulatedPeers peers)
    {
        _transport = new SimulatedRaftTransport(network.SendRaft);
        return new ConsensusSetup.RaftMember(RaftSetup(_log!), new RaftLink(_transport, static _ => { }, static () => { }));
    }

    protected override void Attach(NodeEvents events)
    {
        events.EntryPassedOver += network.EntryPassedOver;
        events.RaftMessageRefused += refused => network.MessageRefused(this, refused);
    }

    protected override void Crash(bool isKill)
    {
        _log = null;
        if (isKill) _disk.Kill();
        else _disk.Crash(Random);
        base.Crash(isKill);
    }

    protected override void Closed() => _log!.Dispose();

    private RaftSetup RaftSetup(FileRaftLog log)
    {
        var config = new RaftConfig
        {
            Id = Id,
            Applied = ChainStore.GetAppliedRaftIndex(Store),
            ConfState = RaftMembers.LoadConfState(Store, log),
            PreVote = network.KnowsPreVote(Id),
            MaxSizePerMessage = 20_000,
            MaxInflight = 8,
        };
        return new RaftSetup
        {
            Core = RaftParticipation.IsFresh(log)
                ? RaftCore.Bootstrap(config with { Applied = 0, ConfState = null }, log, Random.Next, RaftNodeNetwork.Bootstrap)
                : new RaftCore(config, log, Random.Next),
            Log = log,
            Id = Id,
            SnapshotInterval = 40,
            EntriesKept = 20,
        };
    }
}
