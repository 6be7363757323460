using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Filters;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Rpc.Tracing;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc;

/// <summary>A node's JSON-RPC: all its methods on HTTP, WebSocket and IPC.</summary>
public sealed class RpcServer : IAsyncDisposable
{
    private readonly FilterStore _filters = new(TimeProvider.System);
    private readonly SubscriptionStore _subscriptions;
    private readonly ChainEventPump _events;
    private readonly RpcTransports _transports;
    private ExtensionKeeper? _extensions;

    public RpcServer(INode node, RpcServerOptions options, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger<RpcServer>();
        var format = new BlockJson(node.Config, node.Profile,
            options.BlockTimesInSeconds ? BlockTimeUnit.Seconds : node.Config.BlockTimeUnit);
        _subscriptions = new SubscriptionStore(format);
        Engine = new RpcEngine(CreateTable(node, options, format, logger), options.Limits, Describe, logger);
        _transports = new RpcTransports(Engine, options, loggers);
        _events = new ChainEventPump(node, logger);
        _events.Heard += _filters.Hear;
        _events.Heard += _subscriptions.Hear;
        _events.Lost += _filters.Clear;
        _events.Lost += _subscriptions.Clear;
    }

    /// <summary>For calls inside the process.</summary>
    public RpcEngine Engine { get; }

    /// <summary>Null when HTTP is not served.</summary>
    public Uri? HttpAddress => _transports.HttpAddress;

    /// <summary>As <c>http://…</c> or <c>https://…</c>; null when WebSocket is not served.</summary>
    public Uri? WsAddress => _transports.WsAddress;

    /// <summary>What is due of contract extensions; null where the chain's generation has none.</summary>
    internal ExtensionKeeper? Extensions => _extensions;

    /// <exception cref="IOException">A port or path is in use; the message names it.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await _transports.StartAsync(cancellation).ConfigureAwait(false);
        _extensions?.Start();
    }

    public Task StopAsync(CancellationToken cancellation) => DisposeAsync().AsTask().WaitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _extensions, null) is { } extensions) await extensions.DisposeAsync().ConfigureAwait(false);
        await _transports.DisposeAsync().ConfigureAwait(false);
        await _events.DisposeAsync().ConfigureAwait(false);
    }

    private RpcMethodTable CreateTable(INode node, RpcServerOptions options, BlockJson format, ILogger logger)
    {
        var reader = new NodeReader(node, options.PrivateHeadWait);
        var executor = new CallExecutor(node, options.GasCap);
        var calls = new EthCallApi(node, reader, executor, options.CallTimeout);
        var limits = new TraceLimits(options.TraceTimeout, options.MaxTraceBytes);
        var replayer = new BlockReplayer(node, reader);
        var judge = new ExtensionJudge(node);
        var sender = new TransactionSender(node, calls, options.PublicTransactions,
            new ReplayProtection(node, options.AllowUnprotected), new PrivateGuard(node, options.PrivateGuard, logger),
            new PrivacyMarkers(node, options.SendsPrivacyMarkers), judge);
        var info = new EthInfoApi(node);
        var management = new ManagementReader(calls, executor);
        var desk = new ExtensionDesk(node, reader, management, sender, judge);
        if (node.Profile.Rpc.HasContractExtension) _extensions = new ExtensionKeeper(node, management, desk, logger);
        IRpcApi[] ofEngine = node.Bft is { } bft ? [new IstanbulApi(node, reader), new IstanbulVotingApi(bft)]
            : node.RaftNode is { } raft ? [new RaftApi(node), new RaftExplainApi(raft)] : [new RaftApi(node)];
        IRpcApi[] apis =
        [
            new Web3Api(node), new NetApi(node), new RpcModulesApi(), .. ofEngine, info, new EthFeeApi(reader),
            new EthBlockApi(node, reader, format), new EthStateApi(node, reader),
            calls, new EthSendApi(node, sender), new EthPrivacyApi(node, reader), new ExtensionApi(node, management, desk),
            new EthAsyncApi(sender, options.Handlers, logger),
            new EthFilterApi(reader, new LogSearch(options.MaxLogRange), _filters, _subscriptions), new DebugApi(node, reader),
            new DebugChangesApi(reader),
            new DebugTraceApi(new TransactionTracer(replayer, limits), new CallTraceRunner(reader, executor, limits)),
            new DebugStorageApi(replayer),
            new TxPoolApi(node), new PersonalApi(node, sender, info), new AdminApi(node), new PrivateSideApi(node),
        ];
        var table = new RpcMethodTable();
        foreach (var api in apis) api.Register(table);
        return table;
    }

    /// <summary>Failures whose text is meant for the caller; any other is logged and answered as an internal error.</summary>
    private static string? Describe(Exception e) =>
        e is TransactionRejectedException or TransactionManagerException or AccountException or PrivateStateBehindException
        or HeadConflictException or StateUnavailableException
            or NodeHaltedException or TraceTooLargeException or RaftMembershipException
            ? e.Message
            : null;
}
