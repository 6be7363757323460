using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Rpc;

/// <param name="Address">An IP address, or <c>localhost</c>.</param>
/// <param name="Port">0 picks a free one.</param>
/// <param name="Namespaces">Those that are open here, as <c>eth</c>.</param>
/// <param name="Methods">Those that are open here, of the open namespaces; null for all.</param>
public sealed record RpcEndpointOptions(string Address, int Port, IReadOnlyList<string> Namespaces, MethodPatterns? Methods = null);

/// <summary>Where JSON-RPC is served, and within which bounds.</summary>
public sealed record RpcServerOptions
{
    /// <summary>Null serves no HTTP.</summary>
    public RpcEndpointOptions? Http { get; init; }

    /// <summary>Null serves no WebSocket.</summary>
    public RpcEndpointOptions? Ws { get; init; }

    /// <summary>Path of the Unix socket, with all namespaces; null serves none.</summary>
    public string? IpcPath { get; init; }

    /// <summary>Who may call over HTTP and WebSocket.</summary>
    public RpcAccessOptions Access { get; init; } = new();

    /// <summary>Origins that browsers may call from; empty allows none, <c>*</c> all.</summary>
    public IReadOnlyList<string> HttpCorsDomains { get; init; } = [];

    /// <summary>Values of the Host header that are answered, beside address literals; <c>*</c> for all.</summary>
    public IReadOnlyList<string> HttpVirtualHosts { get; init; } = ["localhost"];

    /// <summary>Origins that browsers may open WebSockets from; <c>*</c> for all.</summary>
    public IReadOnlyList<string> WsOrigins { get; init; } = [];

    /// <summary>Most gas of an <c>eth_call</c> or <c>eth_estimateGas</c>: bounds its run time.</summary>
    public ulong GasCap { get; init; } = 50_000_000;

    /// <summary>How long an <c>eth_call</c> or <c>eth_estimateGas</c> may run; zero for as long as its gas lasts.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Blocks that one log query may span.</summary>
    public ulong MaxLogRange { get; init; } = 1_000_000;

    /// <summary>How long the trace of one transaction may run when the caller does not say.</summary>
    public TimeSpan TraceTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Largest answer of one tracing request, in bytes, roughly.</summary>
    public long MaxTraceBytes { get; init; } = 128L * 1024 * 1024;

    /// <summary>How long a read waits for the private head to catch up with the public one before it fails.</summary>
    public TimeSpan PrivateHeadWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Block times in seconds, for clients that cannot hold the nanoseconds of GoQuorum's Raft (ethers, web3). GoQuorum gives
    /// them as they are, and so does this node when false. What contracts see stays the same. Without effect where the headers
    /// hold seconds.
    /// </summary>
    public bool BlockTimesInSeconds { get; init; }

    /// <summary>Which public transactions are refused.</summary>
    public PublicTransactionPolicy PublicTransactions { get; init; } = PublicTransactionPolicy.None;

    /// <summary>What becomes of public transactions that were most likely meant to be private.</summary>
    public PrivateGuardMode PrivateGuard { get; init; }

    /// <summary>Private transactions of this node's accounts are sent behind privacy markers, from the block on that allows them.</summary>
    public bool SendsPrivacyMarkers { get; init; }

    /// <summary>Transactions without a chain id (v 27 or 28) are taken whatever the profile says.</summary>
    public bool AllowUnprotected { get; init; }

    public RpcLimits Limits { get; init; } = new();

    /// <summary>What clients' callbacks are posted with: the host's.</summary>
    public OutboundHandlers Handlers { get; init; } = new();
}
