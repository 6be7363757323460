using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class IstanbulExplainTests
{
    private static readonly Address Sender = Address.Parse("0x00000000000000000000000000000000000000aa");

    [Fact]
    public async Task What_waits_because_it_runs_for_too_long_is_told_with_when_it_is_tried_again()
    {
        using var node = NewNode(new HeldTransaction(Keccak.Hash("slow"u8), Sender, Nonce: 4, Tries: 2, NextBlock: 80));
        await using var client = new RpcClient(node);
        var said = await client.CallAsync("istanbul_explain");
        var reasons = said.GetProperty("reasons").EnumerateArray().Select(r => r.GetString()!);
        Assert.Contains(reasons, r => r.Contains("took longer than a block of this node may take", StringComparison.Ordinal)
            && r.Contains("from block 80 on", StringComparison.Ordinal));
        var held = Assert.Single(said.GetProperty("heldBack").EnumerateArray());
        Assert.Equal(Keccak.Hash("slow"u8).ToString(), held.GetProperty("hash").GetString());
        Assert.Equal(Sender.ToString(), held.GetProperty("from").GetString());
        Assert.Equal((4, 2, 80), (held.GetProperty("nonce").GetInt32(), held.GetProperty("tries").GetInt32(),
            held.GetProperty("nextBlock").GetInt32()));
    }

    [Fact]
    public async Task Without_such_a_one_nothing_is_said_of_it()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var said = await client.CallAsync("istanbul_explain");
        Assert.Empty(said.GetProperty("heldBack").EnumerateArray());
        Assert.DoesNotContain("took longer", said.GetProperty("reasons").GetRawText(), StringComparison.Ordinal);
    }

    private static FakeNode NewNode(params HeldTransaction[] held) =>
        new(GenesisFile.Parse(BftTestChain.Genesis(EngineKind.Qbft, [Sender])), CompatibilityProfile.V24) { HeldBack = held };
}
