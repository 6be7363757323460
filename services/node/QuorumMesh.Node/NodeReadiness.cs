using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node;

/// <summary>What /readyz asks: whether the node can do its job, and if not, why.</summary>
internal static class NodeReadiness
{
    /// <summary>Blocks that the private head may lag while its payloads are on their way.</summary>
    private const ulong ToleratedPrivateLag = 64;

    /// <summary>A batch or a flush of the journal that takes so long keeps everything else waiting.</summary>
    private static readonly TimeSpan ToleratedPass = TimeSpan.FromSeconds(10);

    public static IEnumerable<(string Name, Func<string?> Check)> Checks(Func<NodeComposition?> node, NodeSettings settings)
    {
        yield return ("rpc", () => node() is null ? "starting" : null);
        yield return ("loop", () => node()?.Busy is var (busy, with) && busy > ToleratedPass
            ? $"busy with {with} for {busy.TotalSeconds:F0} s" : null);
        yield return ("consensus", () => node() is not { } up ? "starting"
            : up.Node.Raft is { } raft ? Consensus(raft.View) : up.Node.Bft is { } bft ? Consensus(bft.Standing) : null);
        yield return ("chain", () => node() is { } up ? Chain(up.Core) : null);
        yield return ("sync", () => node() is { } up ? Sync(up) : null);
        yield return ("private-head", () => node() is { } up ? PrivateHead(up, settings.PrivateHeadWait) : null);
        yield return ("pending", () => node() is { } up ? Pending(up.Core, settings.PendingWait) : null);
    }

    private static string? Consensus(RaftView raft) =>
        raft.HasLeft ? RaftMembers.LeftExplanation
        : raft.Leader == 0 ? "no leader is currently elected"
        : raft.Role == RaftRole.Leader && !raft.HasQuorum
            ? "this node leads, and hears no majority of the members: it mints nothing" : null;

    /// <summary>
    /// A single round that fails is a validator that is away, which the others make up for. A node that is no validator follows, and is
    /// as ready as one.
    /// </summary>
    private static string? Consensus(BftStanding bft)
    {
        const ulong tolerated = 1;
        if (bft.Silence is { } silence) return silence;
        return bft.IsValidator && bft.Round > tolerated
            ? $"block {bft.Height} is in round {bft.Round}; {bft.Reachable} of {bft.Settings!.Validators.Count} validators are here, "
                + $"{bft.Settings.Quorum} are needed; istanbul_explain says more" : null;
    }

    private static string? Chain(NodeCore core) => core.HeadStanding.Conflict?.ToString();

    /// <summary>A node that starts says that it is ready only once another member was asked how far the cluster is.</summary>
    private static string? Sync(NodeComposition node)
    {
        if (node.Node.Raft?.View.HasLeft == true) return null;
        if (node.Core.SyncFailure is { } failure) return failure;
        if (node.Service.Sync is { } sync) return $"catching up: block {sync.CurrentBlock} of {sync.HighestBlock}";
        var standing = node.Core.HeadStanding;
        if (!standing.IsCompared) return $"at block {node.Core.Published.Head}; no other member has said yet where the cluster is";
        return standing.IsFarBehind
            ? $"at block {node.Core.Published.Head}, and the cluster is at least {HeadCheck.FarBehind} blocks further" : null;
    }

    private static string? PrivateHead(NodeComposition node, TimeSpan limit)
    {
        using var view = node.Service.OpenView();
        var (status, waits) = (node.Core.PrivateStatus, TimeSpan.FromMilliseconds(node.Core.Progress.PrivateHeadWaitMs));
        if (status.Stopped is { } stopped) return $"is stopped at block {view.PrivateHead} of {view.Head}: {stopped}";
        if (view.PrivateHead >= view.Head) return null;
        if (waits >= limit)
            return $"stands at block {view.PrivateHead} of {view.Head} for {waits.TotalSeconds:F0} s: "
            + $"{status.Reason ?? "its payloads have not come"}";
        return view.Head - view.PrivateHead > ToleratedPrivateLag
            ? $"is at block {view.PrivateHead} of {view.Head}{(status.Reason is { } reason ? ": " + reason : "")}" : null;
    }

    private static string? Pending(NodeCore core, TimeSpan limit) =>
        TimeSpan.FromMilliseconds(core.Progress.PendingWaitMs) is var waits && waits >= limit
            ? $"{core.Published.Pending} executable transactions wait, and no block has come for {waits.TotalSeconds:F0} s"
            : null;
}
