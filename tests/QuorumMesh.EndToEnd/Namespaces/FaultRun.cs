using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Cli;
using Xunit.Abstractions;

namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>Faults one after the other, each healed before the next, and how soon blocks came again.</summary>
internal sealed class FaultRun(LocalNetwork network, NamespaceNet namespaces, int seed, ITestOutputHelper output)
{
    private const int ShortestSeconds = 3, LongestSeconds = 15;

    /// <summary>One in so many lasts longer than peers wait for each other.</summary>
    private const int LongOneIn = 8;

    private static readonly TimeSpan Long = TimeSpan.FromSeconds(40);

    private readonly Random _random = new(seed);
    private readonly List<Healing> _healings = [];

    public async Task RunAsync(TimeSpan length)
    {
        var draw = new FaultDraw(network, namespaces, _random);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < length || _healings.Count == 0;)
        {
            var faults = draw.Next();
            var hold = _random.Next(LongOneIn) == 0 ? Long : TimeSpan.FromSeconds(_random.Next(ShortestSeconds, LongestSeconds + 1));
            await StrikeAsync(faults, hold, clock);
        }
    }

    /// <summary>A line for each kind and one for all.</summary>
    public override string ToString() => string.Join('\n', _healings.SelectMany(h => h.Kinds.Select(kind => (Kind: kind, Healing: h)))
        .GroupBy(one => one.Kind, one => one.Healing).OrderBy(group => group.Key).Select(group => Line($"{group.Key}", [.. group]))
        .Append(Line("all", _healings)));

    private async Task StrikeAsync(IReadOnlyList<Fault> faults, TimeSpan hold, Stopwatch clock)
    {
        var what = string.Join(" and ", faults.Select(f => f.What));
        output.WriteLine(Text($"{clock.Elapsed.TotalSeconds,6:F1} s: {what}, for {hold.TotalSeconds:F0} s"));
        var before = await HighestAsync();
        foreach (var fault in faults) await fault.BeginAsync();
        await Task.Delay(hold);
        // Those that answer now may be behind the one that did before.
        var during = Math.Max(before, await HighestAsync());
        foreach (var fault in faults) fault.End();
        var healed = Stopwatch.StartNew();
        await LocalNetwork.UntilAsync(async () => await HighestAsync() > during, $"a block after: {what}");
        var first = healed.Elapsed;
        for (var i = 0; i < network.Rpc.Count; i++)
        {
            var at = i;
            await LocalNetwork.UntilAsync(
                async () => await network.HeadAsync(at) > during, $"{network.Parties[i].Name} follows after: {what}");
        }
        var healing = new Healing([.. faults.Select(f => f.Kind)], during - before, first, healed.Elapsed);
        _healings.Add(healing);
        output.WriteLine(Text($"          {healing.Meanwhile} blocks meanwhile; healed, the first after {first.TotalSeconds:F1} s, ")
            + Text($"at all after {healing.All.TotalSeconds:F1} s"));
        foreach (var service in network.Runner.Services)
            await network.Runner.WaitReadyAsync(network.Http, service, CancellationToken.None);
    }

    /// <summary>Of those that answer.</summary>
    private async Task<ulong> HighestAsync() => (await Task.WhenAll(Enumerable.Range(0, network.Rpc.Count).Select(async i =>
    {
        try
        {
            return await network.HeadAsync(i);
        }
        catch (Exception e) when (e is CommandException or HttpRequestException)
        {
            return 0UL;
        }
    }))).Max();

    private static string Line(string name, IReadOnlyList<Healing> healings)
    {
        double[] first = [.. healings.Select(h => h.First.TotalSeconds).Order()];
        double[] all = [.. healings.Select(h => h.All.TotalSeconds).Order()];
        return Text($"{name}: {healings.Count} faults, blocks went on in {healings.Count(h => h.Meanwhile > 1)}; after the end the next ")
            + Text($"block p50 {first[first.Length / 2]:F1} s, at most {first[^1]:F1} s; at all p50 {all[all.Length / 2]:F1} s, ")
            + Text($"at most {all[^1]:F1} s");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <param name="Meanwhile">Blocks between begin and end.</param>
    /// <param name="First">From the end to a block that was not there before.</param>
    /// <param name="All">Until every node has such a block.</param>
    private sealed record Healing(FaultKind[] Kinds, ulong Meanwhile, TimeSpan First, TimeSpan All);
}
