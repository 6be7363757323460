using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class AdminApi(INode node) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.Add("admin_datadir", 0, call => call.Result.WriteStringValue(node.DataDirectory));
        table.Add("admin_nodeInfo", 0, NodeInfo);
        table.Add("admin_peers", 0, Peers);
        table.Add("admin_configuredPeers", 0, ConfiguredPeers);
        table.Add("admin_addPeer", 1, call =>
        {
            node.Peers.AddStaticPeer(Url(call));
            call.Result.WriteBooleanValue(true);
        });
        table.Add("admin_removePeer", 1, call =>
        {
            node.Peers.RemovePeer(Url(call).NodeId);
            call.Result.WriteBooleanValue(true);
        });
        table.Add("admin_addTrustedPeer", 1, call =>
        {
            node.Peers.AddTrustedPeer(Url(call).NodeId);
            call.Result.WriteBooleanValue(true);
        });
        table.Add("admin_removeTrustedPeer", 1, call =>
        {
            node.Peers.RemoveTrustedPeer(Url(call).NodeId);
            call.Result.WriteBooleanValue(true);
        });
    }

    private static Enode Url(RpcCall call)
    {
        var url = call.Text(0);
        if (!url.StartsWith("enode:", StringComparison.Ordinal))
            throw new RpcException("invalid enode: invalid URL scheme, want \"enode\"");
        try
        {
            return Enode.Parse(url);
        }
        catch (FormatException e)
        {
            throw new RpcException($"invalid enode: {e.Message}");
        }
    }

    private void NodeInfo(RpcCall call)
    {
        var (json, self) = (call.Result, node.Peers.Self);
        json.WriteStartObject();
        json.WriteString("id", Id(self));
        json.WriteString("name", node.ClientVersion);
        json.WriteString("enode", new Enode(self.NodeId, self.Host, self.Port, self.RaftPort, discPort: 0).ToString());
        json.WriteString("ip", self.Host);
        json.WriteStartObject("ports");
        json.WriteNumber("discovery", 0);
        json.WriteNumber("listener", self.Port);
        json.WriteEndObject();
        json.WriteString("listenAddr", $"{self.Host}:{self.Port}");
        json.WriteStartObject("protocols");
        json.WriteStartObject("eth");
        using (var view = node.OpenView())
        {
            json.WriteNumber("network", node.NetworkId);
            Number(json, "difficulty", view.TotalDifficulty(view.HeadHash));
            json.Value("genesis"u8, node.Genesis.Hash);
            json.WritePropertyName("config");
            WriteConfig(json, node.Config);
            json.Value("head"u8, view.HeadHash);
        }
        json.WriteString("consensus", node.Config.Engine.ToString().ToLowerInvariant());
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("plugins");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Peers(RpcCall call)
    {
        var json = call.Result;
        json.WriteStartArray();
        foreach (var peer in node.Peers.Peers) WritePeer(json, peer);
        json.WriteEndArray();
    }

    /// <summary>Ours: the peers that are to be connected, and of those that are not, why.</summary>
    private void ConfiguredPeers(RpcCall call)
    {
        var json = call.Result;
        json.WriteStartArray();
        foreach (var peer in node.Peers.ConfiguredPeers)
        {
            json.WriteStartObject();
            json.WriteString("enode", peer.Enode.ToString());
            json.WriteString("id", Id(peer.Enode));
            json.WriteBoolean("connected", peer.IsConnected);
            json.WriteString("obstacle", peer.Obstacle);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WritePeer(Utf8JsonWriter json, PeerInfo peer)
    {
        json.WriteStartObject();
        json.WriteString("enode", EnodeOf(peer));
        json.WriteString("id", Hex.ToHex(Keccak.Hash(Hex.FromHex(peer.NodeId)).ToArray(), prefix: false));
        json.WriteString("name", peer.Name);
        json.WriteStartArray("caps");
        foreach (var cap in peer.Caps) json.WriteStringValue(cap);
        json.WriteEndArray();
        json.WriteStartObject("network");
        json.WriteString("localAddress", peer.LocalAddress);
        json.WriteString("remoteAddress", peer.RemoteAddress);
        json.WriteBoolean("inbound", peer.Inbound);
        json.WriteBoolean("trusted", peer.Trusted);
        json.WriteBoolean("static", peer.Static);
        json.WriteEndObject();
        json.WriteStartObject("protocols");
        json.WriteStartObject(peer.Protocol);
        json.WriteNumber("version", peer.EthVersion);
        Number(json, "difficulty", peer.TotalDifficulty);
        json.Value("head"u8, peer.Head);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>With the ports of the Raft membership when the peer is a member.</summary>
    private string EnodeOf(PeerInfo peer)
    {
        var member = node.Raft.Members.FirstOrDefault(m => m.NodeId == peer.NodeId);
        return member is null
            ? $"enode://{peer.NodeId}@{peer.RemoteAddress}"
            : new Enode(peer.NodeId, member.Hostname, member.P2pPort, member.RaftPort, discPort: 0).ToString();
    }

    private static string Id(Enode enode) => Hex.ToHex(enode.Id.ToArray(), prefix: false);

    private static void WriteConfig(Utf8JsonWriter json, ChainConfig config)
    {
        json.WriteStartObject();
        Number(json, "chainId", config.ChainId);
        (string Name, ulong? Block)[] forks =
        [
            ("homesteadBlock", config.HomesteadBlock), ("daoForkBlock", config.DaoForkBlock), ("eip150Block", config.Eip150Block),
            ("eip155Block", config.Eip155Block),
            ("eip158Block", config.Eip158Block), ("byzantiumBlock", config.ByzantiumBlock),
            ("constantinopleBlock", config.ConstantinopleBlock),
            ("petersburgBlock", config.PetersburgBlock), ("istanbulBlock", config.IstanbulBlock),
            ("muirGlacierBlock", config.MuirGlacierBlock), ("berlinBlock", config.BerlinBlock),
            ("londonBlock", config.LondonBlock), ("parisBlock", config.ParisBlock), ("shanghaiBlock", config.ShanghaiBlock),
            ("cancunBlock", config.CancunBlock),
            ("pragueBlock", config.PragueBlock), ("osakaBlock", config.OsakaBlock), ("qip714Block", config.Qip714Block),
            ("enableGasPriceBlock", config.EnableGasPriceBlock),
            ("maxCodeSizeChangeBlock", config.MaxCodeSizeChangeBlock),
        ];
        foreach (var (name, block) in forks)
            if (block is { } number)
                json.WriteNumber(name, number);
        json.WriteBoolean("isQuorum", config.IsQuorum);
        json.WriteNumber("txnSizeLimit", config.TxnSizeLimitKb);
        json.WriteNumber("maxCodeSize", config.MaxCodeSizeKb);
        if (config.Mesh is { } mesh)
        {
            json.WriteStartObject("quorumMesh");
            json.WriteNumber("version", mesh.Version);
            json.WriteString("blockTimes", config.BlockTimeUnit == BlockTimeUnit.Seconds ? "seconds" : "nanoseconds");
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    /// <summary>As a JSON number of any size, which is how Go writes big integers here.</summary>
    private static void Number(Utf8JsonWriter json, string name, in UInt256 value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value.ToString());
    }
}
