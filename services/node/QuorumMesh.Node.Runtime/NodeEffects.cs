using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>The time of a batch of inputs.</summary>
/// <param name="UnixNanoseconds">Wall clock, for block times.</param>
/// <param name="Milliseconds">Never goes back, for waits.</param>
public readonly record struct NodeTime(ulong UnixNanoseconds, long Milliseconds)
{
    public DateTimeOffset Wall => DateTimeOffset.UnixEpoch.AddTicks((long)(UnixNanoseconds / 100));
}

/// <summary>
/// What is to be done, in this order; everything that had to be durable before is durable. What the other members and those who asked wait
/// for comes several times in a pass, before any block is built or executed; all else comes at its end.
/// </summary>
public sealed class NodeEffects
{
    /// <summary>What consensus does with the other members: messages, connections.</summary>
    public List<NetworkEffect> Network { get; internal set; } = [];

    /// <summary>Transactions of a peer to tell the others about.</summary>
    public List<RecoveredTransaction> Broadcast { get; } = [];

    /// <summary>Local transactions that are still not mined, to be told again.</summary>
    public List<RecoveredTransaction> Announce { get; } = [];

    /// <summary>
    /// What rests on rows that are written and not flushed yet; null for nothing. One flush serves all that came until it begins.
    /// </summary>
    public JournalledEffects? Journalled { get; internal set; }

    /// <summary>To be delivered to whoever asked.</summary>
    public List<NodeAnswer> Answers { get; internal set; } = [];

    /// <summary>Payloads to ask the manager for.</summary>
    public HashSet<PayloadHash> FetchPayloads { get; } = [];

    /// <summary>Those of them that the private head waits for, in the order of their use.</summary>
    public List<PayloadHash> FetchFirst { get; } = [];

    /// <summary>Votes on contract extensions of which the manager is to tell whether they are this participant's.</summary>
    public List<PayloadHash> FetchVotes { get; } = [];

    /// <summary>
    /// The manager's Watch stream is to be opened anew after a sequence number; what the one before still brings does not count as progress
    /// of this one.
    /// </summary>
    public (long After, int Stream)? WatchFrom { get; set; }

    /// <summary>The record that questions to the manager ask about from now on, where it changed.</summary>
    public long? ManagerRow { get; set; }

    /// <summary>A catch-up to start: from our head to a block that Raft has committed.</summary>
    public (BlockPointer Head, Hash256 Target)? Sync { get; set; }

    /// <summary>A height that others have decided and this node has not: peers are to be asked for the blocks up to it.</summary>
    public ulong? Seek { get; set; }

    /// <summary>
    /// Questions to the other members about their blocks; the answers come back as <see cref="NodeInput.HeadsCompared"/>.
    /// </summary>
    public HeadCheck? CompareHeads { get; set; }

    /// <summary>When the loop must come back even without an input, in <see cref="NodeTime.Milliseconds"/>.</summary>
    public long? WakeAt { get; set; }
}
