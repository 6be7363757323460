using System.Text;

namespace QuorumMesh.Consensus.Tests;

/// <summary>
/// Scripts that document a machine: each command is followed by what it causes and where everybody stands after it. QUORUMMESH_REWRITE=1
/// writes what the machine does now, to be read as a diff.
/// </summary>
internal static class ScenarioScript
{
    private const string Rule = "----";

    public static TheoryData<string> In(string folder) =>
        [.. Directory.EnumerateFiles(PathOf(folder), "*.txt").Select(f => Path.GetFileName(f)).Order()];

    /// <param name="run">Carries out one command, and tells what is to stand behind it.</param>
    public static void Check(string folder, string script, Func<string, string> run)
    {
        var path = Path.Combine(PathOf(folder), script);
        var written = File.ReadAllText(path);
        var played = Play(written, run);
        if (Environment.GetEnvironmentVariable("QUORUMMESH_REWRITE") == "1") File.WriteAllText(path, played);
        else Assert.Equal(written, played);
    }

    private static string PathOf(string folder)
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "QuorumMesh.sln"))) at = at.Parent;
        return Path.Combine(at!.FullName, "tests", "QuorumMesh.Consensus.Tests", folder, "Scenarios");
    }

    /// <summary>Comments and commands as they are, with what comes of each command behind it.</summary>
    private static string Play(string script, Func<string, string> run)
    {
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
            text.Append(Rule).Append('\n').Append(run(line));
        }
        return text.ToString();
    }
}
