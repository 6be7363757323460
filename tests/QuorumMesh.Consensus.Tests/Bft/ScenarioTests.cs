using System.Text;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>
/// The scripts in Scenarios: each command is followed by what the validators do and where each stands after it. They are the machine's
/// documentation; QUORUMMESH_REWRITE=1 writes what it does now, to be read as a diff.
/// </summary>
public class ScenarioTests
{
    private const string Rule = "----";

    public static TheoryData<string> Scripts => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(f => Path.GetFileName(f)).Order()];

    private static string Folder
    {
        get
        {
            DirectoryInfo? at = new(AppContext.BaseDirectory);
            while (at is not null && !File.Exists(Path.Combine(at.FullName, "QuorumMesh.sln"))) at = at.Parent;
            return Path.Combine(at!.FullName, "tests", "QuorumMesh.Consensus.Tests", "Bft", "Scenarios");
        }
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_scenario_goes_as_written(string script)
    {
        var path = Path.Combine(Folder, script);
        var written = File.ReadAllText(path);
        var played = Play(written);
        if (Environment.GetEnvironmentVariable("QUORUMMESH_REWRITE") == "1") File.WriteAllText(path, played);
        else Assert.Equal(written, played);
    }

    /// <summary>Comments and commands as they are, with what comes of each command behind it.</summary>
    private static string Play(string script)
    {
        var network = new ScenarioNetwork();
        var text = new StringBuilder();
        var isOutput = false;
        foreach (var line in script.TrimEnd('\n').Split('\n'))
        {
            if (isOutput && line.Length > 0) continue;
            isOutput = false;
            if (line == Rule)
            {
                isOutput = true;
                continue;
            }
            text.Append(line).Append('\n');
            if (line.Length == 0 || line[0] == '#') continue;
            text.Append(Rule).Append('\n').Append(network.Run(line));
        }
        return text.ToString();
    }
}
