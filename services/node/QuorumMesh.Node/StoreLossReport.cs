using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node;

/// <summary>What is said, and decided, when the chain's store opened with less than it had.</summary>
internal static class StoreLossReport
{
    public static string Describe(StoreLoss loss) =>
        $"The chain's store opened at block {loss.OpenedAt}, was at "
            + $"{loss.WasAt?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "a later one"}: {loss.Cause}"
        + (loss.KeptIn is null ? "" : $" (the damaged files are kept in {loss.KeptIn})")
        + ". Blocks come again from the Raft log or from other members, the private state from the manager's payloads; transactions sent "
            + "to this node that are in no block yet may be lost, send them again. Check the disk";

    /// <summary>
    /// Blocks that neither the log nor another member has are gone, and receipts that were served with them: the node must not go
    /// on without them as if they had never been.
    /// </summary>
    /// <exception cref="StartupException">It cannot be made good.</exception>
    public static void RefuseWhatIsLostForGood(StoreLoss? loss, IKeyValueReader store, IRaftStorage log)
    {
        if (loss is null || log.FirstIndex <= ChainStore.GetAppliedRaftIndex(store) + 1) return;
        if (log.Snapshot() is not { ConfState: var members } || members.Voters.Count + members.Learners.Count != 1) return;
        throw new StartupException($"the chain's store opened at block {loss.OpenedAt} ({loss.Cause}), the Raft log begins after what it "
            + "lacks, and there is no other member to fetch blocks from: "
            + "restore chaindata and raftlog together from a backup; see 'A damaged store' in docs/operations.md");
    }
}
