using System.Globalization;

namespace QuorumMesh.Fuzz;

public sealed record FuzzSettings
{
    public ulong Seed { get; init; } = 1;

    /// <summary>Index of the first program.</summary>
    public ulong First { get; init; }

    /// <summary>How many different byte codes are made; each is run several times in each tier.</summary>
    public ulong Programs { get; init; } = 1_000_000;

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Runs of a program with ample gas; each is followed by one whose gas is scarce.</summary>
    public int RunsPerProgram { get; init; } = 6;

    /// <summary>Where failing cases are written; null keeps them on the console alone.</summary>
    public string? Output { get; init; }

    /// <summary>The campaign ends at so many failures.</summary>
    public int MostFailures { get; init; } = 10;

    /// <summary>A thread that stays in one program for so long hangs.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>FUZZ_SEED, FUZZ_FIRST, FUZZ_PROGRAMS, FUZZ_THREADS, FUZZ_OUT.</summary>
    /// <exception cref="FormatException">A variable that should be a number is none.</exception>
    public static FuzzSettings FromEnvironment()
    {
        var defaults = new FuzzSettings();
        ulong threads = Number("FUZZ_THREADS", (ulong)defaults.Threads);
        if (threads is 0 or > 256) throw new FormatException($"FUZZ_THREADS is {threads}: give 1 to 256");
        return defaults with
        {
            Seed = Number("FUZZ_SEED", defaults.Seed),
            First = Number("FUZZ_FIRST", defaults.First),
            Programs = Number("FUZZ_PROGRAMS", defaults.Programs),
            Threads = (int)threads,
            Output = Environment.GetEnvironmentVariable("FUZZ_OUT") is { Length: > 0 } directory ? directory : null,
        };
    }

    private static ulong Number(string name, ulong otherwise)
    {
        if (Environment.GetEnvironmentVariable(name) is not { Length: > 0 } text) return otherwise;
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw new FormatException($"{name} is '{text}': give a whole number");
    }
}
