using System.Net;
using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Node.Rpc;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>Puts the node together: stores, keys, network, manager, the loop, RPC. Everything is made here and nowhere else.</summary>
internal sealed class NodeComposition : IAsyncDisposable
{
    private const int ElectionTicks = 6;

    private readonly Stack<object> _owned = new();

    private NodeComposition() { }

    public required NodeService Service { get; init; }

    public required Task Ended { get; init; }

    public required Func<PrivateHeadStatus> PrivateStatusOf { get; init; }

    public PrivateHeadStatus PrivateStatus => PrivateStatusOf();

    public static async Task<NodeComposition> OpenAsync(NodeSettings settings, ILoggerFactory loggers, CancellationToken cancel)
    {
        var owned = new Stack<object>();
        try
        {
            return await OpenAsync(settings, loggers, owned, cancel).ConfigureAwait(false);
        }
        catch
        {
            await DisposeAllAsync(owned).ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<NodeComposition> OpenAsync(NodeSettings settings, ILoggerFactory loggers, Stack<object> owned, CancellationToken cancel)
    {
        var log = loggers.CreateLogger("QuorumMesh.Node");
        var data = DataDirectory.Open(settings.DataDirectory);
        var key = Own(NodeKey.LoadOrCreate(settings.NodeKeyFile ?? data.NodeKey));
        var stores = ChainOpener.Open(data, settings.Genesis, settings.Profile);
        Own(stores.KeyValues);
        var raftLog = OpenRaftLog(data);
        var transport = Own(await RaftTransport.StartAsync(new RaftTransportOptions { /* set below */ }, loggers, cancel).ConfigureAwait(false));
        throw new InvalidOperationException();

        T Own<T>(T value) where T : notnull
        {
            owned.Push(value);
            return value;
        }
    }
}
