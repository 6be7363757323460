using QuorumMesh.Tests;
using Xunit.Abstractions;

namespace QuorumMesh.Spec;

/// <summary>The state test files named in slow.txt: `make test-slow` and `make test-long` run them.</summary>
public class SlowStateTests(ITestOutputHelper output)
{
    private static bool Wanted => Environment.GetEnvironmentVariable("QUORUMMESH_LONG") is "1";

    public static TheoryData<string> Names => [.. SlowFile.All.Select(f => f.Name)];

    [SlowTheory]
    [MemberData(nameof(Names))]
    public void File_passes(string name) => StateTestFiles.Pass([SlowFile.All.Single(f => f.Name == name).FullName], output);

    [VectorFact]
    public void Every_file_of_the_list_is_there_and_the_list_is_short()
    {
        foreach (SlowFile file in SlowFile.All)
        {
            Assert.True(File.Exists(file.FullName), $"slow.txt names {file.Name}, which is not at {StateTestFiles.Root}");
            output.WriteLine($"left to make test-slow: {file.Name}, {StateTestFiles.CountCases(file.FullName)} cases, {file.Seconds} s: "
                + $"{file.Reason}");
        }

        Assert.Equal(SlowFile.All.Count, SlowFile.All.DistinctBy(f => f.Name).Count());
        Assert.InRange(SlowFile.All.Count, 1, 20);
    }

    private sealed class SlowTheoryAttribute : TheoryAttribute
    {
        public SlowTheoryAttribute() =>
            Skip = Vectors.SkipReason ?? (Wanted ? null : "In slow.txt: run make test-slow, or set QUORUMMESH_LONG=1.");
    }
}
