using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Whether this member may have promised something that its log must still hold. A vote or an acknowledged entry binds it for
/// ever: with an empty log it would vote a second time, or make a cluster anew, and acknowledged transactions would be gone. So a
/// mark beside the chain outlives the log.
/// </summary>
public static class RaftParticipation
{
    /// <summary>True once anything was written to the log, and before any message that rests on it was sent.</summary>
    public static bool IsNoted(IKeyValueReader store) => ChainStore.GetMeta(store, StoredNames.RaftTookPart) is not null;

    /// <summary>What sets the mark; to be flushed.</summary>
    public static KeyValueBatch Mark()
    {
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.RaftTookPart, [1]);
        return batch;
    }

    /// <summary>True when nothing was ever written to the log: neither an entry nor a term, a vote or a snapshot.</summary>
    public static bool IsFresh(IRaftStorage log) => log.LastIndex == 0 && log.Snapshot() is null && log.InitialState().HardState.IsEmpty;

    /// <summary>What is missing from the log, as the rest of a sentence on it; null when it holds all that the chain knows of.</summary>
    public static string? Lost(IKeyValueReader store, IRaftStorage log)
    {
        var applied = ChainStore.GetAppliedRaftIndex(store);
        if (IsFresh(log))
            return applied > 0 ? $"is empty, but the chain beside it has applied entry {applied}"
                : IsNoted(store) ? "is empty, but this member has taken part in the cluster (it may have voted)"
                : null;
        return applied > log.LastIndex ? $"ends at entry {log.LastIndex}, but the chain beside it has applied entry {applied}" : null;
    }
}
