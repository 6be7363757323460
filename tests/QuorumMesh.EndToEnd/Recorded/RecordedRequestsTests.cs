using System.Text.Json.Nodes;
using QuorumMesh.Tests;

namespace QuorumMesh.EndToEnd.Recorded;

/// <summary>
/// What web3.py, eth-ape, go-ethereum, alloy, ethers-rs, web3j and web3j-quorum send is answered in the form that they were recorded
/// with, but for the differences of <c>intended.txt</c>.
/// </summary>
[Collection("network")]
public sealed class RecordedRequestsTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const string OfGoQuorum = "goquorum-";

    [VectorFact]
    public Task Requests_recorded_with_QuorumMesh_are_answered_in_the_recorded_form() =>
        PlayAsync(name => !name.StartsWith(OfGoQuorum, StringComparison.Ordinal),
            config => config["quorumMesh"] = new JsonObject { ["version"] = 0 });

    [VectorFact]
    public Task Requests_recorded_with_GoQuorum_are_answered_in_its_form() =>
        PlayAsync(name => name.StartsWith(OfGoQuorum, StringComparison.Ordinal), AsGoQuorums);

    /// <summary>The recorded network's genesis had neither Berlin nor what is our own.</summary>
    private static void AsGoQuorums(JsonObject config)
    {
        foreach (var own in new[] { "quorumMesh", "berlinBlock", "londonBlock", "shanghaiBlock", "cancunBlock" }) config.Remove(own);
    }

    private async Task PlayAsync(Func<string, bool> isMeant, Action<JsonObject> change)
    {
        await using var network = await LocalNetwork.StartAsync(3, edit: genesis => change(genesis["config"]!.AsObject()), chainId: 10);
        var table = new IntendedDifferences(isMeant);
        var unintended = new List<Difference>();
        foreach (var name in RecordedFile.Names.Where(isMeant))
        {
            await using var replay = new Replay(network, RecordedFile.Read(name));
            var differences = await replay.RunAsync();
            unintended.AddRange(differences.Where(d => !table.Covers(d)));
            output.WriteLine($"{name}: {replay.Compared} answers compared, {replay.Unnamed} left out");
            Assert.True(replay.Compared > replay.Unnamed * 3, $"{name}: too much of the recording is left out");
        }
        Assert.True(unintended.Count == 0, string.Join("\n", unintended.Select(d => d.ToString()).Distinct()));
        Assert.True(table.Unused.Count == 0, "intended.txt names what no longer differs:\n" + string.Join("\n", table.Unused));
    }
}
