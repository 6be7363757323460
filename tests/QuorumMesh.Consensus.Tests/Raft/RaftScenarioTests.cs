namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>The scripts in Scenarios: what members do at each command and where each stands after it.</summary>
public sealed class RaftScenarioTests
{
    public static TheoryData<string> Scripts => ScenarioScript.In("Raft");

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_scenario_goes_as_written(string script) => ScenarioScript.Check("Raft", script, new RaftScenarioNetwork().Run);
}
