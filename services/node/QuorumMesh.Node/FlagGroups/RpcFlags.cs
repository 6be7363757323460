using System.CommandLine;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>The JSON-RPC listeners and what they give.</summary>
internal sealed class RpcFlags(FlagList flags, NodeSettings defaults)
{
    public Option<bool> Http { get; } = flags.Flag("--http", "JSON-RPC over HTTP", "--rpc");

    public Option<string> HttpAddress { get; } = flags.Text("--http.addr", "HTTP address", defaults.Http.Address, "--rpcaddr");

    public Option<int> HttpPort { get; } = flags.Number("--http.port", "HTTP port", defaults.Http.Port, "--rpcport");

    public Option<string> HttpApi { get; } = flags.Text("--http.api", "namespaces over HTTP", defaults.Http.Apis, "--rpcapi");

    public Option<string> HttpCors { get; } = flags.Text("--http.corsdomain", "origins that browsers may call from", "", "--rpccorsdomain");

    public Option<string> HttpVhosts { get; } =
        flags.Text("--http.vhosts", "host names that are answered; * for all", defaults.HttpVhosts, "--rpcvhosts");

    public Option<bool> Ws { get; } = flags.Flag("--ws", "JSON-RPC over WebSocket");

    public Option<string> WsAddress { get; } = flags.Text("--ws.addr", "WebSocket address", defaults.Ws.Address, "--wsaddr");

    public Option<int> WsPort { get; } = flags.Number("--ws.port", "WebSocket port", defaults.Ws.Port, "--wsport");

    public Option<string> WsApi { get; } = flags.Text("--ws.api", "namespaces over WebSocket", defaults.Ws.Apis, "--wsapi");

    public Option<string> WsOrigins { get; } = flags.Text("--ws.origins", "origins that browsers may connect from", "", "--wsorigins");

    public Option<string> HttpMethods { get; } =
        flags.Text("--http.methods", "methods that are open over HTTP, of open namespaces, as eth_*,net_version (default: all)", "");

    public Option<string> WsMethods { get; } =
        flags.Text("--ws.methods", "methods that are open over WebSocket, of those in open namespaces (default: all)", "");

    public Option<string> IpcPath { get; } = flags.Text("--ipcpath", "path of the IPC socket (default: geth.ipc in the data directory)");

    public Option<bool> IpcDisable { get; } = flags.Flag("--ipcdisable", "no IPC socket");

    public Option<ulong> GasCap { get; } = flags.Add(new Option<ulong>("--rpc.gascap")
    {
        Description = "most gas of an eth_call or eth_estimateGas; 0 for no cap",
        DefaultValueFactory =
            FlagList.FromEnvironment("--rpc.gascap", text => FlagList.Parse<ulong>("--rpc.gascap", text), defaults.RpcGasCap),
    });

    public Option<string> EvmTimeout { get; } =
        flags.Text("--rpc.evmtimeout", "how long an eth_call or eth_estimateGas may run, as 5s or 500ms; 0 for no limit", "5s",
            "--vm.calltimeout");

    public Option<int> Memory { get; } =
        flags.Number("--rpc.memory", "megabytes of requests and answers that all connections of one JSON-RPC listener may hold",
            defaults.RpcMemory);

    public Option<bool> BlockTimes { get; } = flags.Flag("--rpc.blocktimes-in-seconds",
        "answer block times in seconds where Raft blocks hold nanoseconds, as GoQuorum's do and ethers 6 and web3 1.x cannot read");

    public Option<bool> AllowUnprotected { get; } = flags.Flag("--rpc.allow-unprotected-txs",
        "take transactions without a chain id, which anybody can send again on other networks (profiles before 24 always do)");

    public RpcListener ReadHttp(ParseResult result) => new(result.GetValue(Http), result.GetValue(HttpAddress)!, result.GetValue(HttpPort),
        result.GetValue(HttpApi)!, result.GetValue(HttpMethods) ?? "");

    public RpcListener ReadWs(ParseResult result) => new(result.GetValue(Ws), result.GetValue(WsAddress)!, result.GetValue(WsPort),
        result.GetValue(WsApi)!, result.GetValue(WsMethods) ?? "");
}
