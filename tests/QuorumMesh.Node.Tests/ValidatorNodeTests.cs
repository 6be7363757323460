using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>
/// The whole node as a validator: alone it makes the chain, and one of four that are not there says why there is no block.
/// </summary>
[Collection(EnvironmentCollection.Name)]
public sealed class ValidatorNodeTests : IDisposable
{
    private const string ShortRounds = "\"ibft\": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"ceil2Nby3Block\": 0 }";

    private readonly TempDirectory _temp = new();
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _temp.Dispose();
    }

    [Theory]
    [InlineData(EngineKind.Ibft)]
    [InlineData(EngineKind.Qbft)]
    public async Task Alone_it_makes_blocks_votes_and_goes_on_after_a_restart(EngineKind kind)
    {
        var settings = Prepare(BftTestChain.Genesis(kind, [TestChain.Signer(1).Address]));
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        ulong head;
        await using (var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default))
        {
            await Loopback.UntilAsync(() => node.Core.Published.Head >= 2, "blocks are made");
            Assert.All(NodeReadiness.Checks(() => node, settings), check => Assert.Null(check.Check()));
            Assert.True((await AskAsync(node, "istanbul_isValidator")).GetBoolean());
            Assert.True((await AskAsync(node, "eth_mining")).GetBoolean());
            var candidate = TestChain.Signer(2).Address.ToString();
            Assert.Equal(JsonValueKind.Null, (await AskAsync(node, "istanbul_propose", candidate, true)).ValueKind);
            Assert.True((await AskAsync(node, "istanbul_candidates")).GetProperty(candidate).GetBoolean());
            await Loopback.UntilAsync(() => node.Node.Bft!.Standing.Settings!.Validators.Count == 2, "a vote of one of one counts");
            head = node.Core.Published.Head;
        }
        await using var again = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        Assert.True(again.Core.Published.Head >= head || again.Core.Head.Number >= head);
        Assert.Empty((await AskAsync(again, "istanbul_candidates")).EnumerateObject());
    }

    [Fact]
    public async Task One_of_four_that_hears_nobody_is_not_ready_and_says_why()
    {
        var genesis = BftTestChain.Genesis(EngineKind.Ibft, Enumerable.Range(1, 4).Select(i => TestChain.Signer(i).Address), ShortRounds);
        var settings = Prepare(genesis) with { IstanbulRequestTimeout = 200 };
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        await Loopback.UntilAsync(() => Check(node, settings) is not null, "rounds fail");
        Assert.Contains("1 of 4 validators are here, 3 are needed", Check(node, settings), StringComparison.Ordinal);
        var explained = await AskAsync(node, "istanbul_explain");
        Assert.Equal((1, 3, 1), (explained.GetProperty("height").GetInt32(), explained.GetProperty("quorum").GetInt32(),
            explained.GetProperty("reachable").GetInt32()));
        Assert.Equal(4, explained.GetProperty("validators").GetArrayLength());
        Assert.NotEmpty(explained.GetProperty("reasons")[0].GetString()!);
    }

    private static string? Check(NodeComposition node, NodeSettings settings) =>
        NodeReadiness.Checks(() => node, settings).Single(c => c.Name == "consensus").Check();

    private NodeSettings Prepare(byte[] genesis)
    {
        File.WriteAllText(_temp.File("nodekey"), Hex.ToHex(TestChain.Key(1), prefix: false));
        File.WriteAllBytes(_temp.File("genesis.json"), genesis);
        return new NodeSettings
        {
            DataDirectory = _temp.File("data"),
            Genesis = _temp.File("genesis.json"),
            NodeKeyFile = _temp.File("nodekey"),
            Profile = "24",
            ListenAddress = "127.0.0.1",
            Port = 0,
            IpcDisabled = true,
            Http = new RpcListener(true, "127.0.0.1", 0, "eth,istanbul"),
        };
    }

    private async Task<JsonElement> AskAsync(NodeComposition node, string method, params object[] parameters)
    {
        using var content = new StringContent(
            JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = parameters }), Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(node.HttpAddress, content);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.True(document.RootElement.TryGetProperty("result", out var result), document.RootElement.ToString());
        return result.Clone();
    }
}
