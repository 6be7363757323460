using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>Draws faults of a network in namespaces; the same seed, the same faults.</summary>
internal sealed class FaultDraw(LocalNetwork network, NamespaceNet namespaces, Random random)
{
    private int Count => network.Parties.Count;

    /// <summary>
    /// One, or two of different kinds at once; they are to be ended together. Of those that set links no two: the second would put right
    /// what the first made bad.
    /// </summary>
    public IReadOnlyList<Fault> Next()
    {
        var kinds = Enum.GetValues<FaultKind>();
        random.Shuffle(kinds);
        var first = kinds[0];
        return random.Next(4) == 0
            ? [Draw(first), Draw(kinds.Skip(1).First(second => !SetsLinks(first) || !SetsLinks(second)))]
            : [Draw(first)];
    }

    private static bool SetsLinks(FaultKind kind) => kind is FaultKind.Partition or FaultKind.OneWay or FaultKind.Lossy;

    private Fault Draw(FaultKind kind) => kind switch
    {
        FaultKind.Partition => Partition(),
        FaultKind.OneWay => OneWay(),
        FaultKind.Refused => Refused(),
        FaultKind.Slow => Slow(),
        FaultKind.Lossy => Lossy(),
        FaultKind.NodesKilled => NodesKilled(),
        _ => ManagerKilled(),
    };

    private Fault Partition()
    {
        var some = Some(Count - 1);
        return new Fault(FaultKind.Partition, $"{Names(some)} apart from the others", () => Links(
            (from, to) => some.Contains(from) != some.Contains(to), LinkQuality.Cut), Heal);
    }

    private Fault OneWay()
    {
        var (from, some) = SomeOthers();
        return new Fault(FaultKind.OneWay, $"nothing of {Names([from])} reaches {Names(some)}",
            () => Links((sender, to) => sender == from && some.Contains(to), LinkQuality.Cut), Heal);
    }

    private Fault Lossy()
    {
        var quality = new LinkQuality(random.Next(1, 11) / 100.0, TimeSpan.FromMilliseconds(random.Next(5, 100)),
            TimeSpan.FromMilliseconds(random.Next(5, 100)));
        var some = random.Next(2) == 0 ? [.. Enumerable.Range(0, Count)] : Some(Count - 1);
        return new Fault(FaultKind.Lossy, $"links of {Names(some)}: {quality}",
            () => Links((from, to) => some.Contains(from) || some.Contains(to), quality), Heal);
    }

    private Fault Refused()
    {
        var (from, some) = SomeOthers();
        return new Fault(FaultKind.Refused, $"{Names([from])} has no route to {Names(some)}", () => Each(some, namespaces.Refuse),
            () => _ = Each(some, namespaces.Admit));

        Task Each(IEnumerable<int> others, Action<int, int> what)
        {
            foreach (var other in others) what(from, other);
            return Task.CompletedTask;
        }
    }

    private Fault Slow()
    {
        var rate = new[] { 256, 1000, 4000 }[random.Next(3)];
        var some = Some(Count);
        return new Fault(FaultKind.Slow, $"{Names(some)} send at {rate} kbit/s", () => Limit(rate), () => _ = Limit(null));

        Task Limit(int? kilobits)
        {
            foreach (var one in some) namespaces.Limit(one, kilobits);
            return Task.CompletedTask;
        }
    }

    private Fault NodesKilled()
    {
        var some = random.Next(4) == 0 ? [.. Enumerable.Range(0, Count)] : Some((Count / 2) + 1);
        return Killed(FaultKind.NodesKilled, [.. some.Select(i => network.Service(i, ServiceKind.Node))]);
    }

    /// <summary>Of one of those that send private transactions.</summary>
    private Fault ManagerKilled() => Killed(FaultKind.ManagerKilled, [network.Service(random.Next(3), ServiceKind.TxManager)]);

    private Fault Killed(FaultKind kind, ServiceProcess[] services) => new(
        kind, $"killed: {string.Join(", ", services.Select(s => s.Name))}", () => Task.WhenAll(services.Select(network.KillAsync)),
        () => Array.ForEach(services, network.Start));

    private Task Links(Func<int, int, bool> between, LinkQuality quality)
    {
        for (var from = 0; from < Count; from++)
            for (var to = 0; to < Count; to++)
                if (between(from, to)) namespaces.Switch.Set(from, to, quality);
        return Task.CompletedTask;
    }

    private void Heal() => namespaces.Switch.SetAll(LinkQuality.Good);

    /// <summary>One to so many participants.</summary>
    private int[] Some(int most)
    {
        int[] all = [.. Enumerable.Range(0, Count)];
        random.Shuffle(all);
        return [.. all.Take(random.Next(1, most + 1)).Order()];
    }

    private (int From, int[] Others) SomeOthers()
    {
        var from = random.Next(Count);
        int[] others;
        do others = [.. Some(Count).Where(i => i != from)];
        while (others.Length == 0);
        return (from, others);
    }

    private string Names(IEnumerable<int> some) => string.Join('+', some.Select(i => network.Parties[i].Name));
}
