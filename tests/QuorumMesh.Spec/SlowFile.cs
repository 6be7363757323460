using System.Globalization;

namespace QuorumMesh.Spec;

/// <summary>One line of slow.txt: a state test file that only the slow tests run.</summary>
/// <param name="Name">Folder and file below GeneralStateTests, with forward slashes.</param>
/// <param name="Seconds">Measured, of one core.</param>
internal sealed record SlowFile(string Name, string Reason, double Seconds)
{
    public static IReadOnlyList<SlowFile> All { get; } =
        [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "slow.txt")).Where(line => line.Length > 0 && line[0] != '#')
            .Select(Parse)];

    public string FullName => Path.Combine(StateTestFiles.Root, Name);

    public bool Is(string file) => Path.GetFullPath(file) == Path.GetFullPath(FullName);

    private static SlowFile Parse(string line)
    {
        string[] parts = line.Split('|', StringSplitOptions.TrimEntries);
        return parts.Length == 3 && parts.All(p => p.Length > 0)
            ? new SlowFile(parts[0], parts[1], double.Parse(parts[2], CultureInfo.InvariantCulture))
            : throw new FormatException($"slow.txt: '{line}' is not 'file | reason | seconds'");
    }
}
