using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class PrivateSideApiTests
{
    private static readonly PayloadHash Lost = Sha3.HashPayload([1]);

    [Fact]
    public async Task The_status_has_what_an_operator_needs()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        node.Private.Report = new PrivateSideReport(20, 7, Lost, "because", "it is another", new KnownDatabase("one", 10),
            new KnownDatabase("two", 3), 2, 5);
        var status = await client.CallAsync("quorummesh_privateStatus");
        Assert.Equal(("0x14", "0x7"), (status.GetProperty("head").GetString(), status.GetProperty("privateHead").GetString()));
        Assert.Equal((Lost.ToString(), "because", "it is another"),
            (status.GetProperty("waitingFor").GetString(), status.GetProperty("reason").GetString(),
            status.GetProperty("refusal").GetString()));
        Assert.Equal(("one", 10),
            (status.GetProperty("acceptedDatabase").GetProperty("id").GetString(),
            status.GetProperty("acceptedDatabase").GetProperty("watermark").GetInt32()));
        Assert.Equal(("two", 2, "0x5"),
            (status.GetProperty("seenDatabase").GetProperty("id").GetString(), status.GetProperty("latePayloads").GetInt32(),
            status.GetProperty("firstLateBlock").GetString()));
        node.Private.Report = new PrivateSideReport(1, 1, null, null, null, null, null, 0, null);
        status = await client.CallAsync("quorummesh_privateStatus");
        Assert.Equal(JsonValueKind.Null, status.GetProperty("refusal").ValueKind);
        Assert.False(status.TryGetProperty("firstLateBlock", out _));
    }

    [Fact]
    public async Task A_manager_is_accepted_when_it_has_every_payload_or_when_forced()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        Assert.Contains("accepted already", (await client.FailAsync("quorummesh_acceptManager")).Message, StringComparison.Ordinal);
        node.Private.Report = node.Private.Report with { Refusal = "it is another" };
        node.Private.Check = new ManagerCheck(9, 1, [Lost]);
        var refused = (await client.FailAsync("quorummesh_acceptManager", "[false]")).Message;
        Assert.Contains($"lacks 1 of the 9 payloads that this node has run, {Lost}", refused, StringComparison.Ordinal);
        Assert.Contains("--force", refused, StringComparison.Ordinal);
        Assert.Equal(0, node.Private.Accepted);
        var checks = node.Private.Checks;
        Assert.Equal(0, (await client.CallAsync("quorummesh_acceptManager", "[true]")).GetInt32());
        Assert.Equal((checks, 1), (node.Private.Checks, node.Private.Accepted));
        node.Private.Check = new ManagerCheck(9, 0, []);
        Assert.Equal(9, (await client.CallAsync("quorummesh_acceptManager")).GetInt32());
    }

    [Fact]
    public async Task The_private_state_goes_back_to_a_block_or_to_before_the_late_payload()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        Assert.Contains("name the block", (await client.FailAsync("quorummesh_rewindPrivate")).Message, StringComparison.Ordinal);
        Assert.Equal("0x3", (await client.CallAsync("quorummesh_rewindPrivate", "[\"0x3\"]")).GetString());
        var look = await client.CallAsync("quorummesh_askAgain", "[\"0x5\"]");
        Assert.Equal((5, 1), (look.GetProperty("asked").GetInt32(), look.GetProperty("found").GetInt32()));
        node.Private.Report = node.Private.Report with { FirstLateBlock = 5 };
        Assert.Equal("0x4", (await client.CallAsync("quorummesh_rewindPrivate", "[null]")).GetString());
    }

    private static FakeNode NewNode() => new(GenesisFile.Parse("""
        { "alloc": { }, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "isQuorum": true }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24);
}
