using QuorumMesh.Cli.Evm;

namespace QuorumMesh.Spec;

/// <summary>State tests of the forks that ethereum/tests does not have: see Data/SOURCES.md.</summary>
public class ForkStateTests
{
    [Theory]
    [InlineData("prague")]
    [InlineData("osaka")]
    public void Another_clients_outcomes_are_ours(string name)
    {
        IReadOnlyList<StateTestResult> results = StateTestRunner.Run([Path.Combine(AppContext.BaseDirectory, "Data", name + ".json")],
            ForkNames.Parse(name));
        Assert.InRange(results.Count, 20, 200);
        Assert.Empty(results.Where(r => r.Failure is not null).Select(r => $"{r.Case.Name}: {r.Failure}"));
    }
}
