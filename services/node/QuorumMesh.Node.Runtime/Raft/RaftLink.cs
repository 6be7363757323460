using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Between a Raft driver and the transport: carries its effects out, and posts what the transport hears.</summary>
/// <param name="follow">The p2p network takes over the members' addresses.</param>
/// <param name="leave">The connections of a node that was removed end.</param>
public sealed class RaftLink(IRaftTransport transport, Action<IReadOnlyList<RaftAddress>> follow, Action leave) : IConsensusLink
{
    /// <summary>What the transport hears becomes input. A full mailbox drops it: Raft sends again.</summary>
    public void Hear(Func<NodeInput, bool> post, NodeEvents events)
    {
        transport.MessageRefused += (from, kind, reason) => events.Raise(new RaftRefusedEvent(from, kind, reason));
        transport.PeerIntroduced += id => post(new RaftInput.Introduced(id));
        transport.PeerAnnounced += (id, preVote) => post(new RaftInput.Announced(id, preVote));
        transport.MessageReceived += message => post(new RaftInput.Message(message));
        transport.PeerLost += id => post(new RaftInput.PeerLost(id));
        transport.Unreachable += id => post(new RaftInput.Unreachable(id));
        transport.SnapshotReported += (id, delivered) => post(new RaftInput.SnapshotReported(id, delivered));
        transport.RemovedFromCluster += by => post(new RaftInput.Removed(by));
    }

    public void CarryOut(NetworkEffect effect)
    {
        switch ((RaftEffect)effect)
        {
            case RaftEffect.Send send:
                transport.Send(send.Messages);
                break;
            case RaftEffect.AddPeer peer:
                transport.AddPeer(peer.Id, peer.Url);
                break;
            case RaftEffect.Introduce peer:
                transport.Introduce(peer.Id, peer.Url);
                break;
            case RaftEffect.RemovePeer peer:
                transport.RemovePeer(peer.Id);
                break;
            case RaftEffect.Publish publish:
                transport.PublishMembers(publish.Members);
                break;
            case RaftEffect.Follow members:
                follow(members.Members);
                break;
            case RaftEffect.Leave:
                leave();
                break;
        }
    }
}
