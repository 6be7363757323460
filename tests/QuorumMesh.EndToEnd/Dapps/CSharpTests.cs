using System.Text.Json.Nodes;

namespace QuorumMesh.EndToEnd.Dapps;

/// <summary>The programs of examples/csharp, with Nethereum.</summary>
[Collection("network")]
public sealed class CSharpTests
{
    [Fact]
    public async Task The_examples_with_Nethereum_run()
    {
        await using var network = await LocalNetwork.StartAsync(2);
        var seen = await RunAsync(network, "public");
        Assert.Equal((1, 43, "[43]"), ((int)seen["status"]!, (int)seen["value"]!, seen["stored"]!.ToJsonString()));
        Assert.Equal(await network.QuantityAsync(0, "eth_chainId"), (ulong)seen["chain"]!);
        seen = await RunAsync(network, "private-node");
        Assert.Equal((1, 43, 64), ((int)seen["status"]!, (int)seen["value"]!, (int)seen["bytes"]!));
        Assert.Contains((int)seen["v"]!, new[] { 37, 38 });
        seen = await RunAsync(network, "private-key");
        Assert.Equal((1, 43), ((int)seen["status"]!, (int)seen["value"]!));
    }

    private static async Task<JsonNode> RunAsync(LocalNetwork network, string program) => Assert.Single(
        await ExampleProgram.RunAsync(network, "dotnet", Path.Combine(AppContext.BaseDirectory, "Examples.dll"), program));
}
