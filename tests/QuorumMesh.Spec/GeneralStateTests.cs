using System.Text.Json;
using QuorumMesh.Cli.Evm;
using QuorumMesh.Tests;
using Xunit.Abstractions;

namespace QuorumMesh.Spec;

/// <summary>
/// Every folder of ethereum/tests' GeneralStateTests, every fork in the files: state root, hash of the logs and the reason of expected
/// rejections. Files in slow.txt are left to <see cref="SlowStateTests"/>; nothing else is left out.
/// </summary>
public class GeneralStateTests(ITestOutputHelper output)
{
    private const int CasesOfTheWholeSuite = 89_000;

    public static TheoryData<string> Folders =>
        [.. Vectors.Available ? StateTestFiles.Folders().Select(f => Path.GetFileName(f)!) : ["none"]];

    [VectorTheory]
    [MemberData(nameof(Folders))]
    public void Folder_passes(string folder)
    {
        string[] files = [.. StateTestRunner.FindFiles([Path.Combine(StateTestFiles.Root, folder)])
            .Where(f => !SlowFile.All.Any(slow => slow.Is(f)))];
        StateTestFiles.Pass(files, output);
    }

    [VectorFact]
    public void Every_case_is_in_a_folder_that_is_run()
    {
        Assert.Empty(Directory.EnumerateFiles(StateTestFiles.Root, "*.json"));
        int cases = StateTestFiles.Folders().Sum(folder => StateTestRunner.FindFiles([folder]).Sum(StateTestFiles.CountCases));
        output.WriteLine($"{cases} cases");
        Assert.True(cases >= CasesOfTheWholeSuite, $"only {cases} cases at {StateTestFiles.Root}");
    }
}
