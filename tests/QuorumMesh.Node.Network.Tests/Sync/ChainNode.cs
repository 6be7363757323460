using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Tests;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Sync;

/// <summary>A node of an IBFT chain on loopback that follows, or only serves, honestly or by a script.</summary>
internal sealed class ChainNode : IAsyncDisposable
{
    private readonly Mailbox<NodeInput> _mailbox = new();
    private readonly NodeAssembly _assembly;
    private readonly NodeLoop _loop;
    private readonly bool _follows;

    /// <param name="script">Changes what peers hear of the node; null for an honest one.</param>
    public ChainNode(NodeStores stores, bool follows, Func<IPeerRequestHandler, IPeerRequestHandler>? script = null)
    {
        (Stores, _follows) = (stores, follows);
        Server = new PeerServer(
            new PeerServerOptions
            {
                Key = Key,
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Protocols = SubProtocol.OfEngine(EngineKind.Ibft),
            },
            NullLogger<PeerServer>.Instance);
        _assembly = new NodeAssembly(
            new NodeCoreSetup { Stores = stores, Signer = Key, Events = new NodeEvents() },
            new ConsensusSetup.BftMember(new BftSetup(), new BftLink(Server, Server)),
            new NodeSeams
            {
                Peers = Server,
                Manager = new NoManager(),
                Clock = TimeProvider.System,
                Post = _mailbox.TryPostUrgent,
                PostBulk = _mailbox.TryPostBulk,
            });
        _loop = new NodeLoop(_assembly, _mailbox);
        var head = ChainStore.GetPublicHead(stores.KeyValues)!.Value;
        var genesis = ChainStore.GetCanonicalHash(stores.KeyValues, 0)!.Value;
        var difficulty = ChainStore.GetTotalDifficulty(stores.KeyValues, head.Hash)!.Value;
        Server.SetStatus(PeerStatus.Create(10, difficulty, head.Hash, head.Number, genesis, []));
        Server.Start(script?.Invoke(_assembly.PeerHandler) ?? _assembly.PeerHandler);
        if (follows) _loop.Start();
    }

    public NodeKey Key { get; } = NodeKey.Generate();

    public PeerServer Server { get; }

    public NodeStores Stores { get; }

    public string Id => Key.NodeId;

    public ulong Height => ChainStore.GetPublicHead(Stores.KeyValues)!.Value.Number;

    public bool HasPeer(ChainNode other) => Server.Peers.Any(peer => peer.NodeId == other.Id);

    public async ValueTask DisposeAsync()
    {
        if (_follows) Assert.False(_loop.Ended.IsFaulted, _loop.Ended.Exception?.ToString());
        await _loop.DisposeAsync();
        await Server.DisposeAsync();
        _mailbox.Dispose();
    }
}

/// <summary>Hands everything on to an honest handler but what a test changes.</summary>
internal sealed class ScriptedHandler(IPeerRequestHandler honest) : IPeerRequestHandler
{
    public Func<IReadOnlyList<byte[]>, IReadOnlyList<byte[]>> Headers { get; init; } = static headers => headers;

    public Func<IReadOnlyList<byte[]>, IReadOnlyList<byte[]>> Bodies { get; init; } = static bodies => bodies;

    public void OnTransactions(string nodeId, IReadOnlyList<ReadOnlyMemory<byte>> raw) => honest.OnTransactions(nodeId, raw);

    public IReadOnlyList<byte[]> GetHeaders(HeaderQuery query) => Headers(honest.GetHeaders(query));

    public IReadOnlyList<byte[]> GetBodies(IReadOnlyList<Hash256> hashes) => Bodies(honest.GetBodies(hashes));

    public void OnPeerConnected(PeerInfo peer) => honest.OnPeerConnected(peer);

    public void OnPeerDisconnected(string nodeId) => honest.OnPeerDisconnected(nodeId);
}
