using QuorumMesh.Cli.Demo;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.EndToEnd;

[Collection("network")]
public sealed class SevenParticipantsTests
{
    [LongFact]
    public async Task Seven_participants_see_what_they_are_party_to()
    {
        await using var network = await LocalNetwork.StartAsync(7);
        var results = await new PrivateContractCases(
            [.. new[] { 0, 1, 6 }.Select(i => new DemoParty(network.Definition.Participants[i], network.Http.Timeout))])
            .RunAsync(CancellationToken.None);
        Assert.All(results, result => Assert.Equal(result.Expected, result.Seen));
    }
}
