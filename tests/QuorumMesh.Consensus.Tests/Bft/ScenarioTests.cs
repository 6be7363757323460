namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>The scripts in Scenarios: what validators do at each command and where each stands after it.</summary>
public class ScenarioTests
{
    public static TheoryData<string> Scripts => ScenarioScript.In("Bft");

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_scenario_goes_as_written(string script) => ScenarioScript.Check("Bft", script, new ScenarioNetwork().Run);
}
