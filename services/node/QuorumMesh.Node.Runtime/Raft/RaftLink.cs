using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Between a Raft driver and the transport: carries its effects out, and posts what the transport hears.</summary>
/// <param name="follow">The p2p network takes over the members' addresses.</param>
/// <param name="leave">The connections of a node that was removed end.</param>
public sealed class RaftLink(IRaftTransport transport, Action<IReadOnlyList<RaftAddress>> follow, Action leave) : IConsensusLink
{
    private readonly Lock _lock = new();

    /// <summary>
    /// Reports that a full mailbox refused: nobody makes them again, and without one a member waits for its snapshot for good.
    /// </summary>
    private readonly Queue<RaftInput> _owed = [];

    /// <summary>See <see cref="IRaftTransport.OpenStreams"/>.</summary>
    public int OpenStreams(ulong id) => transport.OpenStreams(id);

    /// <summary>See <see cref="IRaftTransport.ProbeAsync"/>.</summary>
    public Task<RaftProbe?> ProbeAsync(ulong id, CancellationToken cancellation) => transport.ProbeAsync(id, cancellation);

    /// <summary>What the transport hears becomes input. A full mailbox drops messages: Raft sends again.</summary>
    public void Hear(Func<NodeInput, bool> post, NodeEvents events)
    {
        transport.MessageRefused += (from, kind, reason) => events.Raise(new RaftRefusedEvent(from, kind, reason));
        transport.PeerIntroduced += id => post(new RaftInput.Introduced(id));
        transport.PeerAnnounced += (id, preVote) => post(new RaftInput.Announced(id, preVote));
        transport.MessageReceived += message =>
        {
            PostOwed(post);
            post(new RaftInput.Message(message));
        };
        transport.PeerLost += id => post(new RaftInput.PeerLost(id));
        transport.Unreachable += id => post(new RaftInput.Unreachable(id));
        transport.SnapshotReported += (id, delivered) => Owe(new RaftInput.SnapshotReported(id, delivered), post);
        transport.RemovedFromCluster += by => post(new RaftInput.Removed(by));
    }

    /// <inheritdoc/>
    public void CarryOut(NetworkEffect effect)
    {
        switch ((RaftEffect)effect)
        {
            case RaftEffect.Send send:
                transport.Send(send.Messages);
                break;
            case RaftEffect.AddPeer peer:
                transport.AddPeer(peer.Member);
                break;
            case RaftEffect.Introduce peer:
                transport.Introduce(peer.Member);
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

    /// <summary>One for each snapshot that is under way: a member gets no second one before the report of the first.</summary>
    private void Owe(RaftInput report, Func<NodeInput, bool> post)
    {
        lock (_lock) _owed.Enqueue(report);
        PostOwed(post);
    }

    private void PostOwed(Func<NodeInput, bool> post)
    {
        lock (_lock)
            while (_owed.TryPeek(out var report) && post(report)) _owed.Dequeue();
    }
}
