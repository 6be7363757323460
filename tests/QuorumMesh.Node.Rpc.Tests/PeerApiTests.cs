using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class PeerApiTests
{
    private static readonly Enode Self = NodeAt(1);
    private static readonly Enode Other = NodeAt(2);
    private static readonly Enode Away = NodeAt(3);

    [Fact]
    public async Task Peers_are_added_removed_and_trusted_by_their_enode_url()
    {
        var peers = new FakePeers(Self, []);
        using var node = NewNode(peers);
        await using var client = new RpcClient(node);
        foreach (var method in new[] { "admin_addPeer", "admin_removePeer", "admin_addTrustedPeer", "admin_removeTrustedPeer" })
        {
            Assert.True((await client.CallAsync(method, $"[\"{Other}\"]")).GetBoolean());
            Assert.Contains("invalid enode", (await client.FailAsync(method, "[\"http://example\"]")).Message, StringComparison.Ordinal);
        }
        Assert.Equal(
            [$"add {Other}", $"remove {Other.NodeId}", $"trust {Other.NodeId}", $"distrust {Other.NodeId}"], peers.Asked);
    }

    [Fact]
    public async Task A_configured_peer_that_is_not_connected_says_why()
    {
        using var node = NewNode(new FakePeers(Self, [])
        {
            ConfiguredPeers = [new(Other, IsConnected: true, null), new(Away, IsConnected: false, "cannot be reached")],
        });
        await using var client = new RpcClient(node);
        var peers = await client.CallAsync("admin_configuredPeers");
        Assert.Equal(
            [(Other.ToString(), true, null), (Away.ToString(), false, "cannot be reached")],
            peers.EnumerateArray().Select(p => (p.GetProperty("enode").GetString(), p.GetProperty("connected").GetBoolean(),
                p.GetProperty("obstacle").GetString())));
    }

    [Fact]
    public async Task A_peer_is_shown_under_the_protocol_that_carries_the_chain()
    {
        var peer = new PeerInfo(
            Other.NodeId, "Geth", ["istanbul/64"], "127.0.0.1:1", "127.0.0.1:2", false, true, 64, 7, Keccak.Hash([1]))
        {
            Protocol = "istanbul",
            Trusted = true,
        };
        using var node = NewNode(new FakePeers(Self, [peer]));
        await using var client = new RpcClient(node);
        var shown = Assert.Single((await client.CallAsync("admin_peers")).EnumerateArray());
        Assert.Equal(64, shown.GetProperty("protocols").GetProperty("istanbul").GetProperty("version").GetInt32());
        Assert.True(shown.GetProperty("network").GetProperty("trusted").GetBoolean());
    }

    private static FakeNode NewNode(FakePeers peers) => new(GenesisFile.Parse("""
        { "alloc": { }, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "isQuorum": true }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24)
    {
        Self = Self,
        PeerNetwork = peers,
    };

    private static Enode NodeAt(int number) =>
        new(Hex.ToHex(Secp256k1.PublicKey(Keccak.Hash([(byte)number]).ToArray()), prefix: false), "127.0.0.1", number);
}
