using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>The three-node chain that GoQuorum 2.5.0 recorded, as this node would hold it.</summary>
internal static class RecordedNetwork
{
    public const string Folder = "goquorum/raft3-2.5.0/";

    public static JsonDocument Json(string file) => JsonDocument.Parse(File.ReadAllBytes(Vectors.Path(Folder + file)));

    /// <summary>A node with the recorded chain up to a block, its own payloads and account.</summary>
    public static FakeNode Node(int number, ulong upTo = ulong.MaxValue, CompatibilityProfile? profile = null, bool withPrivate = true)
    {
        using var nodes = Json("nodes.json");
        var own = nodes.RootElement.EnumerateArray().First(n => n.GetProperty("node").GetInt32() == number);
        var genesis = GenesisFile.Parse(Vectors.ReadText(Folder + "genesis.json"));
        var url = Enode.Parse(own.GetProperty("enode").GetString()!);
        var node = new FakeNode(genesis, profile ?? CompatibilityProfile.V2_5, Hex.FromHex(own.GetProperty("keystoreAccountKey").GetString()!))
        {
            Self = new Enode(url.NodeId, url.Host, url.Port, discPort: 0),
            PeerList = [.. nodes.RootElement.EnumerateArray().Where(n => n.GetProperty("node").GetInt32() != number).Select(n => Peer(Enode.Parse(n.GetProperty("enode").GetString()!)))],
            Raft = Raft(number),
        };
        using var payloads = Json("payloads.json");
        foreach (var item in payloads.RootElement.EnumerateObject())
            if (item.Value.GetProperty("parties").EnumerateArray().Any(p => p.GetInt32() == number))
                node.Manager.Payloads[PayloadHash.Parse(item.Name)] = Hex.FromHex(item.Value.GetProperty("payload").GetString()!);
        foreach (var block in Blocks())
            if (block.Number > 0 && block.Number <= upTo) node.Import(block, withPrivate);
        return node;
    }

    public static IReadOnlyList<Block> Blocks()
    {
        var blocks = new List<Block>();
        var reader = new RlpReader(File.ReadAllBytes(Vectors.Path(Folder + "chain.rlp")));
        while (!reader.End) blocks.Add(Block.Decode(ref reader));
        return blocks;
    }

    private static PeerInfo Peer(Enode url) =>
        new(url.NodeId, "Geth/v1.8.18", ["eth/62", "eth/63"], "127.0.0.1:40000", $"127.0.0.1:{url.Port}", false, true, 63, UInt256.Zero, default);

    private static RaftStatus Raft(int number)
    {
        using var raft = Json("raft.json");
        var own = raft.RootElement.GetProperty($"node{number}");
        var members = own.GetProperty("cluster").EnumerateArray().Select(m => new RaftMember(
            m.GetProperty("raftId").GetUInt16(), m.GetProperty("nodeId").GetString()!, m.GetProperty("hostname").GetString()!, m.GetProperty("p2pPort").GetInt32(),
            m.GetProperty("raftPort").GetInt32(), m.GetProperty("role").GetString()!, m.GetProperty("nodeActive").GetBoolean())).ToList();
        return new RaftStatus(own.GetProperty("role").GetString()!, own.GetProperty("leader").GetString(), members);
    }
}
