using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Gathers what is known of a Raft member, for operators: from the loop, which may be busy, and from the other members, which may be away.
/// Whoever asks again within a second is told what was found. Thread safe.
/// </summary>
internal sealed class RaftFactFinder(NodeAssembly node, IPeerNetwork peers, RaftQuestions ask)
{
    private static readonly TimeSpan LoopPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    /// <summary>Members asked for their time; Raft clusters are smaller.</summary>
    private const int MaxProbed = 64;

    private readonly Lock _gate = new();
    private (Task<RaftFacts> Facts, long At)? _last;

    public Task<RaftFacts> FindAsync(CancellationToken cancellation)
    {
        Task<RaftFacts> finding;
        lock (_gate)
        {
            if (_last is not { } last || (last.Facts.IsCompleted && TimeSpan.FromMilliseconds(node.Milliseconds - last.At) > Fresh))
                _last = last = (GatherAsync(), node.Milliseconds);
            finding = last.Facts;
        }
        return finding.WaitAsync(cancellation);
    }

    private async Task<RaftFacts> GatherAsync()
    {
        var view = node.Raft!.View;
        var report = ReportAsync();
        var links = await LinksAsync(view).ConfigureAwait(false);
        var core = node.Core;
        return new RaftFacts
        {
            Report = await report.ConfigureAwait(false),
            View = view,
            OwnId = node.Raft.Core.Id,
            Links = links,
            Busy = ask.Busy(),
            JournalFlush = node.JournalFlushing,
            Conflict = core.HeadStanding.Conflict,
            SyncFailure = core.SyncFailure,
            Sync = node.Sync,
            Progress = core.Progress,
            Private = core.PrivateStatus,
            Head = core.Published.Head,
        };
    }

    private async Task<RaftReport?> ReportAsync()
    {
        using var patience = new CancellationTokenSource(LoopPatience);
        try
        {
            return await ask.ReportAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null; // busy with one block, or stuck: that is an answer too
        }
    }

    private async Task<Dictionary<ulong, RaftMemberLink>> LinksAsync(RaftView view)
    {
        using var patience = new CancellationTokenSource(ProbePatience);
        var connected = peers.Peers.Select(p => p.NodeId).ToHashSet();
        var others = view.Members.Where(m => m.RaftId != node.Raft!.Core.Id).ToList();
        var probes = others.Take(MaxProbed).ToDictionary(m => m.RaftId, m => node.ProbeAsync(m.RaftId, patience.Token));
        await Task.WhenAll(probes.Values).ConfigureAwait(false);
        var links = new Dictionary<ulong, RaftMemberLink>();
        foreach (var member in others)
        {
            var probe = probes.TryGetValue(member.RaftId, out var asked) ? await asked.ConfigureAwait(false) : null;
            links[member.RaftId] = new RaftMemberLink(node.OpenStreams(member.RaftId),
                connected.Contains(Convert.ToHexStringLower(member.NodeId)), probe);
        }
        return links;
    }
}

/// <summary>Ways to ask a node's loop.</summary>
/// <param name="Busy">How long it has been at one batch.</param>
internal sealed record RaftQuestions(Func<CancellationToken, Task<RaftReport>> ReportAsync, Func<TimeSpan> Busy);
