using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>A validator. What it promised is in its store, and nowhere else.</summary>
internal sealed class BftNode(ushort id, BftNodeNetwork network, Random random)
    : SimulatedNode(id, network, random, TimeSpan.FromMilliseconds(random.Next(60)))
{
    private SimulatedIstanbul? _istanbul;

    public Address Address { get; } = TestChain.Signer(1000 + id).Address;
    public BftStanding? Standing => Assembly?.Bft?.Standing;

    /// <summary>Its end of the consensus network, while it is up.</summary>
    public SimulatedIstanbul Istanbul => _istanbul!;

    public override void LosePowerSoon() => Store.LosePowerAfter(Random.Next(8));

    protected override ConsensusSetup OpenConsensus(NodeStores stores, SimulatedPeers peers)
    {
        _istanbul = new SimulatedIstanbul(this, network);
        return new ConsensusSetup.BftMember(new BftSetup(), new BftLink(_istanbul, peers));
    }

    protected override void Attach(NodeEvents events)
    {
        events.RoundChanged += _ => network.RoundFailed();
        events.BftMessageRefused += refused => network.MessageRefused(this, refused);
        events.Noticed += notice => network.Noticed(this, notice);
    }
}
