using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>What a Raft member does with the others; <see cref="RaftLink"/> does it.</summary>
public abstract record RaftEffect : NetworkEffect
{
    private RaftEffect() { }

    /// <summary>What they rest on is in the log, flushed.</summary>
    public sealed record Send(IReadOnlyList<RaftMessage> Messages) : RaftEffect;

    /// <summary>See <see cref="Ports.IRaftTransport.AddPeer"/>.</summary>
    public sealed record AddPeer(RaftAddress Member) : RaftEffect;

    /// <summary>See <see cref="Ports.IRaftTransport.Introduce"/>.</summary>
    public sealed record Introduce(RaftAddress Member) : RaftEffect;

    /// <summary>See <see cref="Ports.IRaftTransport.RemovePeer"/>.</summary>
    public sealed record RemovePeer(ulong Id) : RaftEffect;

    /// <summary>See <see cref="Ports.IRaftTransport.PublishMembers"/>.</summary>
    public sealed record Publish(byte[] Members) : RaftEffect;

    /// <summary>The applied membership, which the p2p network follows.</summary>
    public sealed record Follow(IReadOnlyList<RaftAddress> Members) : RaftEffect;

    /// <summary>This node was removed from its cluster: its connections are to end. Also at every start after that.</summary>
    public sealed record Leave : RaftEffect;
}
