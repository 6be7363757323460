using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Chain;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>
/// The whole node beside two members that speak eth over real connections: it compares its blocks with theirs, and tells.
/// </summary>
[Collection(EnvironmentCollection.Name)]
public sealed class HeadGuardWiringTests : IAsyncDisposable
{
    private const string Recorded = "goquorum/raft3-2.5.0";

    private readonly TempDirectory _temp = new();
    private readonly HttpClient _http = new();
    private readonly List<PlayedMember> _members = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members) await member.DisposeAsync();
        _http.Dispose();
        _temp.Dispose();
    }

    [VectorFact]
    public async Task Another_chain_than_the_majoritys_is_told_and_nothing_acknowledged()
    {
        var settings = Prepare();
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        await Loopback.UntilAsync(() => node.Core.HeadStanding.IsCompared && node.Service.Peers.Peers.Count == 2,
            "compared with the members");
        Assert.Null(Check(node, settings, "chain"));

        // One of two others decides nothing; both do.
        _members[0].IsElsewhere = true;
        await UntilRoundsAsync(_members[0], 2);
        Assert.Null(Check(node, settings, "chain"));
        _members[1].IsElsewhere = true;
        await Loopback.UntilAsync(() => Check(node, settings, "chain") is not null, "the conflict is noticed");
        Assert.Contains("2 of 3 members", Check(node, settings, "chain"), StringComparison.Ordinal);
        Assert.Contains("is on another chain", await FailAsync(node, "eth_sendRawTransaction", RawTransaction()), StringComparison.Ordinal);
        Assert.Contains("is on another chain", await FailAsync(node, "eth_getTransactionReceipt", Hex.ToHex(new byte[32])),
            StringComparison.Ordinal);

        _members[1].IsElsewhere = false;
        await Loopback.UntilAsync(() => Check(node, settings, "chain") is null, "the majority agrees again");
        Assert.DoesNotContain("is on another chain", await FailAsync(node, "eth_sendRawTransaction", RawTransaction()),
            StringComparison.Ordinal);
    }

    [VectorFact]
    public async Task A_start_far_behind_the_members_is_not_ready()
    {
        var settings = Prepare();
        foreach (var member in _members) member.MoreBlocks = HeadCheck.FarBehind;
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        await Loopback.UntilAsync(() => node.Core.HeadStanding.IsFarBehind, "it is noticed");
        Assert.Contains("blocks further", Check(node, settings, "sync"), StringComparison.Ordinal);
        foreach (var member in _members) member.MoreBlocks = 0;
        await Loopback.UntilAsync(() => Check(node, settings, "sync") is null, "it has caught up");
    }

    private static string? Check(NodeComposition node, NodeSettings settings, string name) =>
        NodeReadiness.Checks(() => node, settings).Single(c => c.Name == name).Check();

    private NodeSettings Prepare()
    {
        var ports = Loopback.FreePorts(4);
        var settings = new NodeSettings
        {
            DataDirectory = _temp.File("data"),
            Profile = "2.5",
            ListenAddress = "127.0.0.1",
            Port = ports[0],
            RaftPort = ports[1],
            IpcDisabled = true,
            Http = new RpcListener(true, "127.0.0.1", 0, "eth"),
        };
        var keys = Enumerable.Range(0, 3).Select(i => Keccak.Hash([(byte)i, 77]).ToArray()).ToList();
        _temp.Write("data/nodekey", Hex.ToHex(keys[0], prefix: false));
        var enodes = keys.Select((key, i) => $"enode://{Hex.ToHex(Secp256k1.PublicKey(key), prefix: false)}@127.0.0.1:"
            + $"{(i == 0 ? ports[0] : ports[i + 1])}?discport=0&raftport={(i == 0 ? ports[1] : 1)}");
        _temp.Write($"data/{StaticNodes.FileName}", JsonSerializer.Serialize(enodes));
        Assert.Equal(0, ChainFiles.Init(settings, Vectors.Path(Recorded + "/genesis.json")));
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(Recorded + "/chain.rlp")));
        var chain = Blocks().Select(b => b.Header).ToList();
        for (var i = 1; i < 3; i++) _members.Add(new PlayedMember(keys[i], ports[i + 1], chain));
        return settings;
    }

    private static IEnumerable<QuorumMesh.Chain.Block> Blocks()
    {
        var reader = new RlpReader(File.ReadAllBytes(Vectors.Path(Recorded + "/chain.rlp")));
        var blocks = new List<QuorumMesh.Chain.Block>();
        while (!reader.End) blocks.Add(QuorumMesh.Chain.Block.Decode(ref reader));
        return blocks;
    }

    private static string RawTransaction() => Hex.ToHex(Blocks().First(b => b.Transactions.Count > 0).Transactions[0].Encode());

    private static Task UntilRoundsAsync(PlayedMember member, int rounds)
    {
        var target = member.Asked + rounds;
        return Loopback.UntilAsync(() => member.Asked >= target, "asked again");
    }

    private async Task<string> FailAsync(NodeComposition node, string method, params string[] parameters)
    {
        using var content = new StringContent(JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = parameters }),
            Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(node.HttpAddress, content);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.GetProperty("error").GetProperty("message").GetString()!;
    }

    /// <summary>A member's p2p side: the recorded chain, or another from block 1 on, or a longer one.</summary>
    private sealed class PlayedMember : IPeerRequestHandler, IAsyncDisposable
    {
        private readonly IReadOnlyList<BlockHeader> _chain;
        private readonly PeerServer _server;
        private int _asked;

        public PlayedMember(byte[] key, int port, IReadOnlyList<BlockHeader> chain)
        {
            _chain = chain;
            _server = new PeerServer(
                new PeerServerOptions
                {
                    Key = new NodeKey(key),
                    Listen = new IPEndPoint(IPAddress.Loopback, port),
                    Protocols = [SubProtocol.Eth63]
                }, NullLogger<PeerServer>.Instance);
            _server.SetStatus(PeerStatus.Create(10, UInt256.Zero, chain[^1].Hash, chain[^1].Number, chain[0].Hash, []));
            _server.Start(this);
        }

        public volatile bool IsElsewhere;

        public ulong MoreBlocks { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        public IReadOnlyList<byte[]> GetHeaders(HeaderQuery query)
        {
            Interlocked.Increment(ref _asked);
            var last = _chain[^1].Number + MoreBlocks;
            var headers = new List<byte[]>();
            for (var number = query.Number; number <= last && headers.Count < query.Amount; number++) headers.Add(Header(number).Encode());
            return headers;
        }

        public IReadOnlyList<byte[]> GetBodies(IReadOnlyList<Hash256> hashes) => [];

        public void OnTransactions(string nodeId, IReadOnlyList<ReadOnlyMemory<byte>> raw)
        {
        }

        public void OnPeerConnected(PeerInfo peer)
        {
        }

        public void OnPeerDisconnected(string nodeId)
        {
        }

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private BlockHeader Header(ulong number)
        {
            var own = number < (ulong)_chain.Count ? _chain[(int)number] : _chain[^1] with { Number = number };
            return IsElsewhere && number > 0 ? own with { GasUsed = own.GasUsed + 1 } : own;
        }
    }
}
