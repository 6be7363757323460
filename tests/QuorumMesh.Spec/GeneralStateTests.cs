using QuorumMesh.Cli.Evm;
using QuorumMesh.Tests;

namespace QuorumMesh.Spec;

/// <summary>Folders of ethereum/tests' GeneralStateTests, every fork in the files. <c>qmesh evm statetest</c> runs the rest.</summary>
public class GeneralStateTests
{
    [VectorTheory]
    [InlineData("VMTests")]
    [InlineData("stExample")]
    [InlineData("stCallCodes")]
    [InlineData("stCreate2")]
    [InlineData("stRevertTest")]
    [InlineData("stSStoreTest")]
    [InlineData("stStaticCall")]
    [InlineData("stReturnDataTest")]
    [InlineData("stLogTests")]
    [InlineData("stTransactionTest")]
    [InlineData("stZeroKnowledge2")]
    [InlineData("stSelfBalance")]
    [InlineData("stEIP1559")]
    [InlineData("Cancun")]
    [InlineData("Shanghai")]
    public void Folder_passes(string folder)
    {
        IReadOnlyList<string> files = StateTestRunner.FindFiles([Vectors.Path("ethereum-tests/GeneralStateTests/" + folder)]);
        IReadOnlyList<StateTestResult> results = StateTestRunner.Run(files);
        string[] failures = [.. results.Where(r => r.Failure is not null).Select(r => $"{r.Case.Name} {r.Case.ForkName} d{r.Case.Data} g{r.Case.Gas} v{r.Case.Value}: {r.Failure}").Order().Take(20)];
        Assert.Empty(failures);
        Assert.NotEmpty(results);
    }
}
