using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>
/// Carries raft messages between members. Events come from the transport's own threads: the receiver posts them to its mailbox.
/// </summary>
public interface IRaftTransport : IAsyncDisposable
{
    /// <summary>Connects to a member, or moves it to a new address.</summary>
    void AddPeer(RaftAddress member);

    /// <summary>Connects to one that the applied membership does not name (yet): configured, or named by an entry that is not
    /// applied. <see cref="AddPeer"/> overrules it.</summary>
    void Introduce(RaftAddress member);

    /// <summary>The applied membership as a <see cref="RaftSnapshotData"/>, for members that ask who a sender is.</summary>
    void PublishMembers(byte[] members);

    /// <summary>Closes the connections; the id is refused from now on.</summary>
    void RemovePeer(ulong id);

    /// <summary>Queues messages and returns at once. Messages to unknown members are dropped.</summary>
    void Send(IReadOnlyList<RaftMessage> messages);

    /// <summary>Streams open from the member: 0, 1 or 2. May be called from any thread.</summary>
    int OpenStreams(ulong id) => 0;

    /// <summary>Asks the member for its time, by the way that etcd's health checks take.</summary>
    /// <returns>Null when it does not answer, or is not known.</returns>
    Task<RaftProbe?> ProbeAsync(ulong id, CancellationToken cancellation) => Task.FromResult<RaftProbe?>(null);

    event Action<RaftMessage>? MessageReceived;

    /// <summary>A member became reachable.</summary>
    event Action<ulong>? PeerActive;

    /// <summary>A stream to the member broke: raised at once, even when it reconnects right after.</summary>
    event Action<ulong>? PeerLost;

    /// <summary>A message to the member was dropped or could not be sent; feed RaftCore.ReportUnreachable.</summary>
    event Action<ulong>? Unreachable;

    /// <summary>A snapshot was delivered (true) or not; feed RaftCore.ReportSnapshot.</summary>
    event Action<ulong, bool>? SnapshotReported;

    /// <summary>A known member vouches for this id, or it is configured; feed RaftCore.Introduce.</summary>
    event Action<ulong>? PeerIntroduced;

    /// <summary>
    /// A connection to the member was made; true when it said that it knows pre-vote and check-quorum. Feed RaftCore.Announce.
    /// </summary>
    event Action<ulong, bool>? PeerAnnounced;

    /// <summary>A message was refused before it reached the receiver: the sender it names, its kind, the reason.</summary>
    event Action<ulong, string, string>? MessageRefused;

    /// <summary>The member with this id says that this one was removed from the cluster.</summary>
    event Action<ulong>? RemovedFromCluster;
}

/// <summary>A member's answer to a health check.</summary>
/// <param name="ClockDifference">Its clock less this one's, to half the round trip; null when it does not tell.</param>
public sealed record RaftProbe(TimeSpan RoundTrip, TimeSpan? ClockDifference);
