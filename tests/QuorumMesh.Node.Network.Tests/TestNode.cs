using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

/// <summary>A peer server on a free loopback port, with a handler that remembers.</summary>
internal sealed class TestNode : IPeerRequestHandler, IAsyncDisposable
{
    public static readonly Hash256 Genesis = Keccak.Hash("genesis"u8);

    public TestNode(NodeKey? key = null, IReadOnlyList<SubProtocol>? protocols = null, int maxPeers = 50, Hash256? genesis = null,
        int port = 0, TimeSpan? requestTimeout = null, long recentBytes = 16 << 20, TimeProvider? time = null,
        params IPNetwork[] netRestrict)
    {
        Key = key ?? NodeKey.Generate();
        Server = new PeerServer(
            new PeerServerOptions
            {
                Key = Key,
                Listen = new IPEndPoint(IPAddress.Loopback, port),
                Protocols = protocols ?? [SubProtocol.Eth63, SubProtocol.Eth64],
                MaxPeers = maxPeers,
                NetRestrict = netRestrict,
                RaftPort = 50401,
                RequestTimeout = requestTimeout ?? TimeSpan.FromSeconds(15),
                RecentBytes = recentBytes,
                CopyBytes = recentBytes,
            },
            NullLogger<PeerServer>.Instance, time);
        Server.SetStatus(Status(genesis ?? Genesis));
        Server.Start(this);
    }

    public NodeKey Key { get; }

    public PeerServer Server { get; }

    public string Id => Key.NodeId;

    public ConcurrentQueue<ReadOnlyMemory<byte>> Transactions { get; } = [];

    public ConcurrentQueue<string> Events { get; } = [];

    public List<byte[]> Headers { get; } = [];

    public Dictionary<Hash256, byte[]> Bodies { get; } = [];

    public Func<bool>? HoldHeaders { get; set; }

    public static PeerStatus Status(Hash256 genesis, uint networkId = 10) =>
        PeerStatus.Create(networkId, 17, Keccak.Hash("head"u8), 0, genesis, [5, 9]);

    public void OnTransactions(string nodeId, IReadOnlyList<ReadOnlyMemory<byte>> raw)
    {
        foreach (var transaction in raw)
            Transactions.Enqueue(transaction);
    }

    public IReadOnlyList<byte[]> GetHeaders(HeaderQuery query)
    {
        if (HoldHeaders is { } hold)
            SpinWait.SpinUntil(() => !hold(), TimeSpan.FromSeconds(60));
        return [.. Headers.Skip((int)query.Number).Take(query.Amount)];
    }

    public IReadOnlyList<byte[]> GetBodies(IReadOnlyList<Hash256> hashes) =>
        [.. hashes.Where(Bodies.ContainsKey).Select(hash => Bodies[hash])];

    /// <summary>New blocks, whole and by hash, with the peer that told.</summary>
    public ConcurrentQueue<(string NodeId, Hash256 Hash, bool Whole)> Blocks { get; } = [];

    public HashSet<Hash256> Seen { get; } = [];

    public Hash256? OnNewBlock(string nodeId, ReadOnlyMemory<byte> rawBlock, UInt256 totalDifficulty)
    {
        var hash = Keccak.Hash(rawBlock.Span);
        Blocks.Enqueue((nodeId, hash, true));
        return hash;
    }

    public void OnNewBlockHashes(string nodeId, IReadOnlyList<(Hash256 Hash, ulong Number)> announced)
    {
        foreach (var (hash, _) in announced)
            Blocks.Enqueue((nodeId, hash, false));
    }

    public IReadOnlyList<Hash256> UnknownOf(IReadOnlyList<Hash256> transactions) => [.. transactions.Where(hash => !Seen.Contains(hash))];

    public void OnPeerConnected(PeerInfo peer) => Events.Enqueue("+" + peer.NodeId);

    public void OnPeerDisconnected(string nodeId) => Events.Enqueue("-" + nodeId);

    public bool HasPeer(string nodeId) => Server.Peers.Any(peer => peer.NodeId == nodeId);

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    public static async Task Until(Func<bool> condition, string what, int seconds = 60)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed.TotalSeconds < seconds, $"Not within {seconds} s: {what}");
            await Task.Delay(5);
        }
    }

    /// <summary>Dials b from a and waits until both know.</summary>
    public static async Task Connect(TestNode a, TestNode b)
    {
        a.Server.AddStaticPeer(b.Server.Self);
        await Until(() => a.HasPeer(b.Id) && b.HasPeer(a.Id), "connected");
    }

    public static byte[] RlpList(int contentLength, int seed)
    {
        var content = new byte[contentLength];
        new Random(seed).NextBytes(content);
        var writer = new RlpWriter();
        int list = writer.BeginList();
        writer.Write(content);
        writer.EndList(list);
        return writer.ToArray();
    }
}
