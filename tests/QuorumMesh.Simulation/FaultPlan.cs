using System.Globalization;

namespace QuorumMesh.Simulation;

/// <summary>
/// What goes wrong in a run, and for how long. Every kind is drawn from the seed whether it is taken or not, so that leaving one out
/// changes as little else as can be.
/// </summary>
internal sealed record FaultPlan
{
    private static readonly string[] Names = ["losses", "copies", "delays", "parts", "crashes"];

    private FaultPlan(long ms, IReadOnlySet<string> without) => (Ms, Without) = (ms, without);

    /// <summary>Virtual ms with faults.</summary>
    public long Ms { get; private init; }

    public bool Loses => !Without.Contains("losses");
    public bool Copies => !Without.Contains("copies");
    public bool Delays => !Without.Contains("delays");
    public bool Parts => !Without.Contains("parts");
    public bool Crashes => !Without.Contains("crashes");

    private IReadOnlySet<string> Without { get; init; }

    /// <summary>All kinds, for so long; QUORUMMESH_MS and QUORUMMESH_WITHOUT (names with commas between them) say otherwise.</summary>
    public static FaultPlan Of(long ms)
    {
        var given = Environment.GetEnvironmentVariable("QUORUMMESH_MS") is { Length: > 0 } text
            ? long.Parse(text, CultureInfo.InvariantCulture) : ms;
        var without = (Environment.GetEnvironmentVariable("QUORUMMESH_WITHOUT") ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (without.FirstOrDefault(w => !Names.Contains(w)) is { } unknown)
            throw new ArgumentException($"QUORUMMESH_WITHOUT names {unknown}; there are {string.Join(", ", Names)}");
        return new FaultPlan(given, without.ToHashSet());
    }

    /// <summary>
    /// The least that still fails, as far as trying finds it: kinds of faults are left out one after the other, then the time is halved and
    /// grown again.
    /// </summary>
    /// <param name="fails">Runs a plan; deterministic.</param>
    public FaultPlan Shrink(Func<FaultPlan, bool> fails)
    {
        var least = this;
        foreach (var name in Names)
        {
            var smaller = least with { Without = least.Without.Append(name).ToHashSet() };
            if (!least.Without.Contains(name) && fails(smaller)) least = smaller;
        }
        for (var step = least.Ms / 2; step >= 100; step /= 2)
        {
            var shorter = least with { Ms = least.Ms - step };
            if (fails(shorter)) least = shorter;
        }
        return least;
    }

    /// <summary>As variables of `make sim`, or with their prefix of a test.</summary>
    public string Describe(string prefix = "") =>
        $"{prefix}MS={Ms}" + (Without.Count == 0 ? "" : $" {prefix}WITHOUT={string.Join(',', Names.Where(Without.Contains))}");
}
