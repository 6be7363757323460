namespace QuorumMesh.Node;

/// <summary>What /readyz asks: whether the node can do its job, and if not, why.</summary>
internal static class NodeReadiness
{
    /// <summary>Blocks that the private head may lag while its payloads are on their way.</summary>
    private const ulong ToleratedPrivateLag = 64;

    public static IEnumerable<(string Name, Func<string?> Check)> Checks(Func<NodeComposition?> node)
    {
        yield return ("rpc", () => node() is null ? "starting" : null);
        yield return ("consensus", () => node() is not { } up ? "starting" : up.Raft is null ? null : up.Service.Raft.LeaderNodeId is null ? "no leader is currently elected" : null);
        yield return ("sync", () => node()?.Service.Sync is { } sync ? $"catching up: block {sync.CurrentBlock} of {sync.HighestBlock}" : null);
        yield return ("private-head", () => node() is { } up ? PrivateHead(up) : null);
    }

    private static string? PrivateHead(NodeComposition node)
    {
        using var view = node.Service.OpenView();
        var status = node.Core.PrivateStatus;
        if (status.Stopped is { } stopped) return $"is stopped at block {view.PrivateHead} of {view.Head}: {stopped}";
        if (view.PrivateHead < view.Head && status.Reason is not null)
            return $"stands at block {view.PrivateHead} of {view.Head}: {status.Reason}";
        return view.Head - view.PrivateHead > ToleratedPrivateLag ? $"is at block {view.PrivateHead} of {view.Head}" : null;
    }
}
