using System.Text.Json;
using QuorumMesh.Cli.Evm;
using QuorumMesh.Tests;
using Xunit.Abstractions;

namespace QuorumMesh.Spec;

/// <summary>Files of GeneralStateTests, and what it means that they pass.</summary>
internal static class StateTestFiles
{
    private const int Shown = 20;
    private const double WorthSaying = 2;

    public static string Root => Vectors.Path("ethereum-tests/GeneralStateTests");

    public static IEnumerable<string> Folders() => Directory.EnumerateDirectories(Root).Order(StringComparer.Ordinal);

    /// <summary>No case fails, and there are as many results as the files have cases.</summary>
    public static void Pass(IReadOnlyList<string> files, ITestOutputHelper output)
    {
        Assert.NotEmpty(files);
        IReadOnlyList<StateTestResult> results = StateTestRunner.Run(files);
        output.WriteLine($"{results.Count} cases of {files.Count} files, {results.Sum(r => r.Elapsed.TotalSeconds):F1} s of threads' time");
        foreach (var file in results.GroupBy(r => r.Case.File).Select(g => (Name: g.Key, Seconds: g.Sum(r => r.Elapsed.TotalSeconds)))
            .Where(f => f.Seconds > WorthSaying))
            output.WriteLine($"  {Path.GetFileName(file.Name)} {file.Seconds:F1} s");
        string[] failures = [.. results.Where(r => r.Failure is not null)
            .Select(r => $"{r.Case.Name} {r.Case.ForkName} d{r.Case.Data} g{r.Case.Gas} v{r.Case.Value}: {r.Failure}")
            .Order(StringComparer.Ordinal)];
        Assert.True(failures.Length == 0, $"{failures.Length} of {results.Count} cases failed:\n{string.Join('\n', failures.Take(Shown))}");
        Assert.Equal(files.Sum(CountCases), results.Count);
    }

    /// <summary>Cases of a file by its text alone, so that what the loader of state tests overlooks is seen.</summary>
    public static int CountCases(string file)
    {
        var reader = new Utf8JsonReader(File.ReadAllBytes(file));
        int count = 0;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("indexes")) count++;
        }

        return count;
    }
}
