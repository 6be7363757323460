namespace QuorumMesh.Simulation;

public class FaultPlanTests
{
    [Fact]
    public void A_failing_run_is_shrunk_to_the_faults_and_the_time_that_it_needs()
    {
        var tries = 0;
        var least = FaultPlan.Of(25_000).Shrink(plan =>
        {
            tries++;
            return plan is { Crashes: true, Loses: true } && plan.Ms >= 7_000;
        });
        Assert.True(least is { Crashes: true, Loses: true, Parts: false, Copies: false, Delays: false });
        Assert.InRange(least.Ms, 7_000, 7_200);
        Assert.InRange(tries, 5, 15);
        Assert.Equal($"MS={least.Ms} WITHOUT=copies,delays,parts", least.Describe());
    }

    [Fact]
    public void What_needs_all_of_it_stays_as_it_is()
    {
        var whole = FaultPlan.Of(25_000);
        Assert.Equal(whole.Describe(), whole.Shrink(_ => false).Describe());
    }
}
