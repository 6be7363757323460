using Microsoft.Extensions.Logging;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Transports;

namespace QuorumMesh.Node.Rpc;

/// <summary>The listeners of one engine: HTTP, WebSocket and IPC, each if asked for.</summary>
public sealed class RpcTransports : IAsyncDisposable
{
    /// <summary>For requests in work and clients that stand still; connections are aborted then.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly KestrelListener? _http;
    private readonly KestrelListener? _ws;
    private readonly IpcListener? _ipc;
    private readonly RpcGate _gate;
    private readonly ILogger _logger;
    private bool _disposed;

    public RpcTransports(RpcEngine engine, RpcServerOptions options, ILoggerFactory loggers)
    {
        _logger = loggers.CreateLogger<RpcTransports>();
        _gate = new RpcGate(options.Access);
        if (options.Http is { } http)
        {
            var session = new RpcSession(Open(http.Namespaces, engine, "HTTP"), null) { Methods = http.Methods };
            HttpBudget = Budget("rpc_http", engine);
            var endpoint = new HttpEndpoint(engine, _gate, session, HttpBudget, new OriginRules(options.HttpCorsDomains),
                new OriginRules(options.HttpVirtualHosts));
            _http = KestrelListener.Create(http, options.Access.Tls, engine.Limits, loggers, webSockets: false, endpoint.HandleAsync);
        }
        if (options.Ws is { } ws)
        {
            var session = new RpcSession(Open(ws.Namespaces, engine, "WebSocket"), null) { Methods = ws.Methods };
            var endpoint = new WebSocketEndpoint(engine, _gate, Budget("rpc_ws", engine), session, new OriginRules(options.WsOrigins),
                _stopping.Token);
            _ws = KestrelListener.Create(ws, options.Access.Tls, engine.Limits, loggers, webSockets: true, endpoint.HandleAsync);
        }
        if (options.IpcPath is { } path) _ipc = new IpcListener(path, engine, Budget("rpc_ipc", engine), _logger);
    }

    /// <summary>Null when HTTP is not served.</summary>
    public Uri? HttpAddress => _http?.Address;

    /// <summary>As <c>http://…</c> or <c>https://…</c>; null when WebSocket is not served.</summary>
    public Uri? WsAddress => _ws?.Address;

    /// <summary>Null when HTTP is not served.</summary>
    internal ByteBudget? HttpBudget { get; }

    /// <exception cref="IOException">A port or path is in use; the message names it.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        if (_http is not null) await _http.StartAsync(cancellation).ConfigureAwait(false);
        if (_ws is not null) await _ws.StartAsync(cancellation).ConfigureAwait(false);
        _ipc?.Start();
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _stopping.CancelAsync().ConfigureAwait(false);
        using var timeout = new CancellationTokenSource(StopTimeout);
        await Task.WhenAll(StopAsync(_http, timeout.Token), StopAsync(_ws, timeout.Token),
            _ipc?.DisposeAsync().AsTask() ?? Task.CompletedTask).ConfigureAwait(false);
        _stopping.Dispose();
        _gate.Dispose();
    }

    private static async Task StopAsync(KestrelListener? listener, CancellationToken limit)
    {
        if (listener is null) return;
        await listener.StopAsync(limit).ConfigureAwait(false);
        await listener.DisposeAsync().ConfigureAwait(false);
    }

    private static ByteBudget Budget(string listener, RpcEngine engine) => new(listener, engine.Limits.MaxListenerBytes);

    private HashSet<string> Open(IReadOnlyList<string> names, RpcEngine engine, string transport)
    {
        var known = engine.Table.Namespaces.ToHashSet();
        var asked = names.Select(n => n.Trim()).Where(n => n.Length > 0).ToHashSet();
        foreach (var name in asked.Where(n => !known.Contains(n)))
            _logger.LogWarning("JSON-RPC over {Transport}: namespace {Namespace} does not exist on this node", transport, name);
        return asked;
    }
}
