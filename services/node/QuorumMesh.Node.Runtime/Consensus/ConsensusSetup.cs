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

    /// <summary>No part in the network of its chain.</summary>
    /// <param name="Explanation">Why, and what to do: the answer to whoever sends a transaction.</param>
    public sealed record OnlyFollows(string Explanation) : ConsensusSetup
    {
        internal override (IConsensusDriver Driver, IConsensusLink Link) Open(NodeCoreSetup setup) =>
            (new FollowOnly(Explanation), new NoLink());
    }
}
