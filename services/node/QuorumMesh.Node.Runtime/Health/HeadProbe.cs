using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Health;

/// <summary>
/// Asks the connected members for headers by number, which every eth peer answers, and brings them to a height that enough of
/// them have. Bounded: a few small requests for each member and round, all members side by side.
/// </summary>
internal sealed class HeadProbe(IPeerNetwork peers, Func<NodeInput, bool> post, TimeProvider clock)
{
    /// <summary>Members are seldom further apart: one request tells.</summary>
    private const int Window = 16;

    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(10);
    private static readonly HeadAnswers Nothing = new([], 0, 0);

    /// <summary>Posts the answers, whatever comes; no answer is one too.</summary>
    public async Task RunAsync(HeadCheck check, CancellationToken cancellation)
    {
        var answers = Nothing;
        try
        {
            using var limit = new CancellationTokenSource(RoundLimit, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
            answers = await AskAsync(check, either.Token);
        }
        finally
        {
            _ = post(new NodeInput.HeadsCompared(answers));
        }
    }

    private async Task<HeadAnswers> AskAsync(HeadCheck check, CancellationToken cancellation)
    {
        var asked = peers.Peers.Select(p => new Asked(p.NodeId, check.Electorate.NameOf(p.NodeId)))
            .Where(p => check.Members.Contains(p.Name)).Distinct().ToList();
        var found = (await Task.WhenAll(asked.Select(peer => GuardedAsync(() => MemberAsync(peer, check.Head, cancellation)))))
            .OfType<Member>().ToList();
        if (found.Count == 0) return Nothing;
        // The highest block that a majority beside us has; of fewer, that all have.
        var common = found.Select(m => m.Last).OrderDescending().ElementAt(Math.Min(check.Electorate.Needed, found.Count) - 1);
        var missing = found.Where(m => m.Last > common && m.Reports[0].Number > common).ToList();
        var more = await Task.WhenAll(missing.Select(m => GuardedAsync(() => HeaderAsync(m.Peer, common, cancellation))));
        return new HeadAnswers([.. found.SelectMany(m => m.Reports), .. more.OfType<HeadReport>()], found.Count,
            found.Count(m => m.IsFarAhead));
    }

    /// <summary>What a member has of our uppermost blocks; or, when it is behind, its own last one.</summary>
    private async Task<Member?> MemberAsync(Asked peer, ulong head, CancellationToken cancellation)
    {
        var first = head >= Window - 1 ? head - (Window - 1) : 0;
        var window = await HeadersAsync(peer, first, (int)(head - first) + 1, cancellation);
        if (window.Count == 0)
            return await LastAsync(peer, first, cancellation) is { } last ? new Member(peer, [last], IsFarAhead: false) : null;
        var isFarAhead = window[^1].Number == head && await HeaderAsync(peer, head + HeadCheck.FarBehind, cancellation) is not null;
        return new Member(peer, window, isFarAhead);
    }

    /// <summary>The last block that a member has below one that it lacks: back in growing steps, then by halves.</summary>
    private async Task<HeadReport?> LastAsync(Asked peer, ulong lacking, CancellationToken cancellation)
    {
        HeadReport? last = null;
        for (ulong back = Window; last is null; back *= 2)
        {
            var number = back < lacking ? lacking - back : 0;
            last = await HeaderAsync(peer, number, cancellation);
            if (last is not null) break;
            if (number == 0) return null;
            lacking = number;
        }
        while (lacking - last.Number > 1)
        {
            var middle = last.Number + ((lacking - last.Number) / 2);
            if (await HeaderAsync(peer, middle, cancellation) is { } higher) last = higher;
            else lacking = middle;
        }
        return last;
    }

    private async Task<HeadReport?> HeaderAsync(Asked peer, ulong number, CancellationToken cancellation) =>
        (await HeadersAsync(peer, number, 1, cancellation)).FirstOrDefault();

    /// <exception cref="PeerRequestException">The answer is not to the question.</exception>
    private async Task<IReadOnlyList<HeadReport>> HeadersAsync(Asked peer, ulong from, int count, CancellationToken cancellation)
    {
        var raw = await peers.RequestHeadersAsync(peer.NodeId, from, count, cancellation);
        var headers = raw.Select(static header => BlockHeader.Decode(header)).ToList();
        if (headers.Count > count || headers.Where((header, i) => header.Number != from + (ulong)i).Any())
            throw new PeerRequestException($"the peer was asked for {count} headers from {from} and sent others");
        return headers.ConvertAll(header => new HeadReport(peer.Name, header.Number, header.Hash));
    }

    /// <returns>Null for a member that does not answer, or answers nonsense.</returns>
    private static async Task<T?> GuardedAsync<T>(Func<Task<T?>> ask) where T : class
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is PeerRequestException or FormatException or TimeoutException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <param name="Reports">In ascending order.</param>
    private sealed record Member(Asked Peer, IReadOnlyList<HeadReport> Reports, bool IsFarAhead)
    {
        public ulong Last => Reports[^1].Number;
    }

    private sealed record Asked(string NodeId, string Name);
}
