using QuorumMesh.Chain;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Local transactions that are in the journal. The rows are written; nothing here may leave before a flush that began after that has ended:
/// a hash that a client has seen must survive a power loss.
/// </summary>
public sealed class JournalledEffects
{
    /// <summary>Transactions to tell the peers about, in the order in which they came.</summary>
    public List<RecoveredTransaction> Broadcast { get; } = [];

    /// <summary>To be delivered to whoever sent them.</summary>
    public List<NodeAnswer> Answers { get; } = [];
}
