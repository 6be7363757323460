using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>The engine that a node runs.</summary>
public abstract record ConsensusSetup
{
    private ConsensusSetup() { }

    internal abstract (IConsensusDriver Driver, IConsensusLink Link) Open(NodeCoreSetup setup);

    /// <summary>A member of a Raft cluster.</summary>
    public sealed record RaftMember(RaftSetup Setup, RaftLink Link) : ConsensusSetup
    {
        internal override (IConsensusDriver Driver, IConsensusLink Link) Open(NodeCoreSetup setup) =>
            (new RaftDriver(Setup, setup.Stores, setup.Signer, setup.Events), Link);
    }

    /// <summary>A node of an IBFT or QBFT chain: a validator where the chain names it one, else one that follows.</summary>
    public sealed record BftMember(BftSetup Setup, BftLink Link) : ConsensusSetup
    {
        internal override (IConsensusDriver Driver, IConsensusLink Link) Open(NodeCoreSetup setup)
        {
            var driver = new BftDriver(Setup, setup.Stores, setup.Signer, setup.Events);
            Link.Heed(() => driver.Standing);
            return (driver, Link);
        }
    }
}
