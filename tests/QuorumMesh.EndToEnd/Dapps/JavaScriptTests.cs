using System.Text.Json.Nodes;

namespace QuorumMesh.EndToEnd.Dapps;

/// <summary>ethers 6, viem 2 and web3 4, as npm has them, against a network whose members refuse what the private guard finds.</summary>
[Collection("network")]
public sealed class JavaScriptTests
{
    private static readonly string[] Refused =
    [
        "ethers wallet", "ethers signer", "viem wallet", "web3 node account", "plain request", "ethers creation", "web3 creation",
    ];

    private static readonly string[] Allowed =
    [
        "ethers provider.send", "viem request", "web3 requestManager", "ethers deployment", "ethers call", "viem call", "viem deployment",
        "web3 call", "plain transfer",
    ];

    [NpmFact]
    public async Task The_guard_refuses_what_libraries_would_publish_and_lets_everything_else_through()
    {
        await using var network = await LocalNetwork.StartAsync(2, privateGuard: "refuse");
        var lines = (await RunAsync(network, Path.Combine(Directories.Tests, "guard.mjs"))).ToDictionary(l => (string)l["name"]!);
        foreach (var name in Refused)
        {
            var error = (string?)lines[$"refuse {name}"]["error"] ?? $"{name} was taken";
            Assert.Contains("this node refuses this public transaction (--private-guard refuse)", error, StringComparison.Ordinal);
            Assert.Contains(name.EndsWith("creation", StringComparison.Ordinal) ? "private contracts alone" : "holds a private contract",
                error, StringComparison.Ordinal);
        }
        Assert.Contains("client.request", (string)lines["refuse viem wallet"]["error"]!, StringComparison.Ordinal);
        Assert.Contains("requestManager.send", (string)lines["refuse web3 node account"]["error"]!, StringComparison.Ordinal);
        foreach (var name in Allowed)
            Assert.True((string?)lines[$"allow {name}"]["status"] == "0x1", lines[$"allow {name}"].ToJsonString());
        Assert.Equal(Refused.Length + Allowed.Length, lines.Count);
    }

    [NpmFact]
    public async Task The_examples_of_the_dApps_page_run()
    {
        await using var network = await LocalNetwork.StartAsync(2);
        var examples = Path.Combine(Directories.Examples, "javascript");
        var seen = Assert.Single(await RunAsync(network, Path.Combine(examples, "public.mjs")));
        Assert.Equal((1, 43, "[43]"), ((int)seen["status"]!, (int)seen["value"]!, seen["stored"]!.ToJsonString()));
        seen = Assert.Single(await RunAsync(network, Path.Combine(examples, "private-node.mjs")));
        Assert.Equal((1, 43, 64), ((int)seen["status"]!, (int)seen["value"]!, (int)seen["bytes"]!));
        Assert.Contains((int)seen["v"]!, new[] { 37, 38 });
        seen = Assert.Single(await RunAsync(network, Path.Combine(examples, "private-key.mjs")));
        Assert.Equal((1, 43), ((int)seen["status"]!, (int)seen["value"]!));
    }

    private static Task<IReadOnlyList<JsonNode>> RunAsync(LocalNetwork network, string program) =>
        ExampleProgram.RunAsync(network, "node", program);
}
