using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>The chains that GoQuorum 2.5.0 networks recorded, as this node would hold them.</summary>
internal static class RecordedNetwork
{
    public const string Folder = "goquorum/raft3-2.5.0/";

    public const string IbftFolder = "goquorum/ibft4-2.5.0/";

    public static JsonDocument Json(string file, string folder = Folder) =>
        JsonDocument.Parse(File.ReadAllBytes(Vectors.Path(folder + file)));

    /// <summary>A node with the recorded chain up to a block, its own payloads and account.</summary>
    public static FakeNode Node(int number, ulong upTo = ulong.MaxValue, CompatibilityProfile? profile = null, bool withPrivate = true,
        string folder = Folder)
    {
        using var nodes = Json("nodes.json", folder);
        var own = nodes.RootElement.EnumerateArray().First(n => n.GetProperty("node").GetInt32() == number);
        var genesis = GenesisFile.Parse(Vectors.ReadText(folder + "genesis.json"));
        var url = Enode.Parse(own.GetProperty("enode").GetString()!);
        var node = new FakeNode(genesis, profile ?? CompatibilityProfile.V2_5,
            Hex.FromHex(own.GetProperty("keystoreAccountKey").GetString()!))
        {
            Self = new Enode(url.NodeId, url.Host, url.Port, discPort: 0),
            PeerList = [.. nodes.RootElement.EnumerateArray().Where(n => n.GetProperty("node").GetInt32() != number)
                .Select(n => Peer(Enode.Parse(n.GetProperty("enode").GetString()!)))],
            Raft = folder == Folder ? Raft(number) : new RaftStatus("", null, []),
            NodeKey = new FakeSigner(Hex.FromHex(own.GetProperty("nodeKey").GetString()!)),
        };
        using var payloads = Json("payloads.json", folder);
        foreach (var item in payloads.RootElement.EnumerateObject())
            if (item.Value.GetProperty("parties").EnumerateArray().Any(p => p.GetInt32() == number))
                node.Manager.Payloads[PayloadHash.Parse(item.Name)] = Hex.FromHex(item.Value.GetProperty("payload").GetString()!);
        foreach (var block in Blocks(folder))
            if (block.Number > 0 && block.Number <= upTo) node.Import(block, withPrivate);
        return node;
    }

    public static IReadOnlyList<Block> Blocks(string folder = Folder)
    {
        var blocks = new List<Block>();
        var reader = new RlpReader(File.ReadAllBytes(Vectors.Path(folder + "chain.rlp")));
        while (!reader.End) blocks.Add(Block.Decode(ref reader));
        return blocks;
    }

    private static PeerInfo Peer(Enode url) =>
        new(url.NodeId, "Geth/v1.8.18", ["eth/62", "eth/63"], "127.0.0.1:40000", $"127.0.0.1:{url.Port}", false, true, 63,
            UInt256.Zero, default);

    private static RaftStatus Raft(int number)
    {
        using var raft = Json("raft.json");
        var own = raft.RootElement.GetProperty($"node{number}");
        var members = own.GetProperty("cluster").EnumerateArray().Select(m => new RaftMember(
            m.GetProperty("raftId").GetUInt16(), m.GetProperty("nodeId").GetString()!, m.GetProperty("hostname").GetString()!,
            m.GetProperty("p2pPort").GetInt32(),
            m.GetProperty("raftPort").GetInt32(), m.GetProperty("role").GetString()!, m.GetProperty("nodeActive").GetBoolean())).ToList();
        return new RaftStatus(own.GetProperty("role").GetString()!, own.GetProperty("leader").GetString(), members);
    }
}
