using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node;

/// <summary>
/// geth's flag names where geth has the notion, GoQuorum 2.x spellings as aliases. Every flag can also be set in the environment:
/// <c>--http.port</c> is <c>QUORUMMESH_NODE_HTTP_PORT</c>. The command line wins.
/// </summary>
public sealed class NodeCommandLine
{
    private const string EnvironmentPrefix = "QUORUMMESH_NODE_";

    private readonly List<Option> _all = [];
    private readonly ForeignFlags _foreign = new();
    private readonly Option<string> _dataDir, _profile, _identity, _listen, _nodeKey, _keystore, _genesis, _httpAddress, _httpApi,
        _httpCors, _httpVhosts,
        _wsAddress, _wsApi, _wsOrigins, _ipcPath, _privacy, _unlock, _password, _healthUrl, _gcMode, _syncMode, _evmTimeout, _privateWait,
        _pendingWait, _managerSocket, _managerUrl, _refuseFrom, _refuseTo, _privateGuard;
    private readonly Option<ulong?> _networkId, _historyState;
    private readonly Option<ulong> _gasCap;
    private readonly Option<int> _port, _maxPeers, _raftPort, _raftBlockTime, _httpPort, _wsPort, _verbosity, _cache, _cacheDatabase,
        _cacheTrie, _cacheSnapshot, _rpcMemory, _allowedFuture;
    private readonly Option<int?> _raftJoin, _istanbulPeriod, _istanbulTimeout, _managerTimeout, _managerDialTimeout;
    private readonly Option<bool> _http, _ws, _ipcDisable, _allowInsecureUnlock, _logJson, _checkpoints, _raft, _permissioned, _blockTimes,
        _evmCompiled, _revertReason, _allowUnprotected;
    private readonly Option<ulong> _privateRewind;

    public NodeCommandLine()
    {
        var defaults = new NodeSettings { DataDirectory = DefaultDataDirectory };
        _dataDir = Text("--datadir", "directory of the chain, keys and logs", defaults.DataDirectory);
        _genesis = Text("--genesis", "genesis file to start a new chain from; an existing chain must have the same genesis");
        _networkId = Add(new Option<ulong?>("--networkid")
        {
            Description = "network id of the peers (default: the chain id)",
            DefaultValueFactory = FromEnvironment<ulong?>("--networkid", text => Parse<ulong>("--networkid", text), null),
        });
        _profile = Text("--quorum.profile", "compatibility profile of a new chain: 2.5, 2.6, 21 or 24");
        _identity = Text("--identity", "name shown to peers");
        _listen = Text("--listen", "address that the p2p and Raft ports bind to", defaults.ListenAddress);
        _port = Number("--port", "devp2p port", defaults.Port);
        _maxPeers = Number("--maxpeers", "most p2p peers", defaults.MaxPeers);
        _nodeKey = Text("--nodekey", "file with the node key in hex (default: nodekey in the data directory)");
        _keystore = Text("--keystore", "directory of the account key files (default: keystore in the data directory)");
        _raft = Flag("--raft", "use Raft; a genesis without a consensus engine means Raft too");
        _raftPort = Number("--raftport", "Raft port", defaults.RaftPort);
        _raftBlockTime = Number("--raftblocktime", "least time between two blocks, in milliseconds", defaults.RaftBlockTime);
        _raftJoin = OptionalNumber("--raftjoinexisting", "Raft id that raft_addPeer of a member answered");
        _istanbulPeriod = OptionalNumber("--istanbul.blockperiod",
            "least time between two IBFT or QBFT blocks, in seconds (default: the genesis's, else 1)");
        _istanbulTimeout = OptionalNumber("--istanbul.requesttimeout",
            "milliseconds of a validator's first round before the next proposer's turn (default: the genesis's, else 10000)");
        _allowedFuture = Number("--allowedfutureblocktime", "seconds that an IBFT or QBFT block may be ahead of this node's clock",
            defaults.AllowedFutureBlockTime);
        _http = Flag("--http", "JSON-RPC over HTTP", "--rpc");
        _httpAddress = Text("--http.addr", "HTTP address", defaults.Http.Address, "--rpcaddr");
        _httpPort = Number("--http.port", "HTTP port", defaults.Http.Port, "--rpcport");
        _httpApi = Text("--http.api", "namespaces over HTTP", defaults.Http.Apis, "--rpcapi");
        _httpCors = Text("--http.corsdomain", "origins that browsers may call from", "", "--rpccorsdomain");
        _httpVhosts = Text("--http.vhosts", "host names that are answered; * for all", defaults.HttpVhosts, "--rpcvhosts");
        _ws = Flag("--ws", "JSON-RPC over WebSocket");
        _wsAddress = Text("--ws.addr", "WebSocket address", defaults.Ws.Address, "--wsaddr");
        _wsPort = Number("--ws.port", "WebSocket port", defaults.Ws.Port, "--wsport");
        _wsApi = Text("--ws.api", "namespaces over WebSocket", defaults.Ws.Apis, "--wsapi");
        _wsOrigins = Text("--ws.origins", "origins that browsers may connect from", "", "--wsorigins");
        _ipcPath = Text("--ipcpath", "path of the IPC socket (default: geth.ipc in the data directory)");
        _ipcDisable = Flag("--ipcdisable", "no IPC socket");
        _gasCap = Add(new Option<ulong>("--rpc.gascap")
        {
            Description = "most gas of an eth_call or eth_estimateGas; 0 for no cap",
            DefaultValueFactory = FromEnvironment("--rpc.gascap", text => Parse<ulong>("--rpc.gascap", text), defaults.RpcGasCap),
        });
        _evmTimeout = Text("--rpc.evmtimeout", "how long an eth_call or eth_estimateGas may run, as 5s or 500ms; 0 for no limit", "5s",
            "--vm.calltimeout");
        _rpcMemory = Number("--rpc.memory", "megabytes of requests and answers that all connections of one JSON-RPC listener may hold",
            defaults.RpcMemory);
        _blockTimes = Flag("--rpc.blocktimes-in-seconds",
            "answer block times in seconds where Raft blocks hold nanoseconds, as GoQuorum's do and ethers 6 and web3 1.x cannot read");
        _allowUnprotected = Flag("--rpc.allow-unprotected-txs",
            "take transactions without a chain id, which anybody can send again on other networks (profiles before 24 always do)");
        _privacy = Text("--privacy", "our transaction manager: unix:/path or grpc://host:port. Tessera's is named by PRIVATE_CONFIG "
            + "(socket, TOML file or 'ignore')");
        _managerSocket = Text("--ptm.socket", "Unix socket of Tessera or another manager that speaks its REST; wins over PRIVATE_CONFIG");
        _managerUrl = Text("--ptm.url", "http address of such a manager; wins over PRIVATE_CONFIG");
        _managerTimeout = OptionalNumber("--ptm.timeout",
            "seconds that such a manager may take for an answer; 0 for no limit (default: 5)");
        _managerDialTimeout = OptionalNumber("--ptm.dialtimeout",
            "seconds that connecting to such a manager may take; 0 for no limit (default: 1)");
        _refuseFrom = Text("--public.refuse-from",
            "accounts whose public transactions this node's JSON-RPC refuses, separated by commas; * for all");
        _refuseTo = Text("--public.refuse-to", "contracts to which this node's JSON-RPC refuses public transactions, separated by commas");
        _privateGuard = Text("--private-guard", "what JSON-RPC does with a public transaction to a contract that is private here, or that "
            + "creates one from an account which has created private ones alone: warn, refuse or off", "warn");
        _unlock = Text("--unlock", "accounts to unlock at start, by address or by position in the keystore (from 0), separated by commas");
        _password = Text("--password", "file with one password a line for --unlock; the last one serves all further accounts");
        _allowInsecureUnlock = Flag("--allow-insecure-unlock", "allow unlocked accounts behind an HTTP listener that is not on loopback");
        _gcMode = Text("--gcmode", "full drops public states older than --history.state, archive keeps all", "full");
        _historyState = Add(new Option<ulong?>("--history.state")
        {
            Description = "blocks behind the head whose public state stays readable; 0 keeps all (default: "
                + $"{Runtime.NodeCoreSetup.DefaultKeptPublicBlocks})",
            DefaultValueFactory = FromEnvironment<ulong?>("--history.state", text => Parse<ulong>("--history.state", text), null),
        });
        _privateRewind = Add(new Option<ulong>("--private.rewind-limit")
        {
            Description = "blocks that the private state goes back by itself for a payload that came late; beyond it 'qmesh private "
                + "rewind' does",
            DefaultValueFactory = FromEnvironment("--private.rewind-limit", text => Parse<ulong>("--private.rewind-limit", text),
                defaults.PrivateRewindLimit),
        });
        _cache = Number("--cache", "megabytes for the caches of database and state; a busy node takes about 250 MB more",
            defaults.Cache.Megabytes);
        _cacheDatabase = Number("--cache.database", "percentage of --cache for the database's blocks and write buffers",
            defaults.Cache.DatabasePercent);
        _cacheTrie = Number("--cache.trie", "percentage of --cache for trie nodes", defaults.Cache.TriePercent);
        _cacheSnapshot = Number("--cache.snapshot", "percentage of --cache for accounts and storage slots", defaults.Cache.SnapshotPercent);
        _evmCompiled = Add(new Option<bool>("--evm.compiled")
        {
            Description = "compile hot contracts to machine code; false interprets everything",
            DefaultValueFactory = FromEnvironment("--evm.compiled", text => ParseFlag("--evm.compiled", text), defaults.EvmCompiled),
        });
        _revertReason = Flag("--revertreason", "keep what reverted transactions returned, and answer it in their receipts as revertReason");
        _syncMode = Text("--syncmode", "only full exists: private state comes from executing blocks", "full");
        _healthUrl = Text("--health-url", "listener of /livez, /readyz and /metrics: http://host:port");
        _privateWait = Text("--health.private-wait",
            "how long the private head may stand still behind the public one before the node is not ready", "10s");
        _pendingWait = Text("--health.pending-wait",
            "how long executable transactions may wait for a block before the node is not ready", "30s");
        _logJson = Flag("--log-json", "one JSON object per log line");
        _verbosity = Number("--verbosity", "0 silent, 1 error, 2 warn, 3 info, 4 debug, 5 trace", defaults.Verbosity);
        _checkpoints = Flag("--emitcheckpoints", "log GoQuorum's QUORUM-CHECKPOINT lines");
        _permissioned = Flag("--permissioned", "only nodes of permissioned-nodes.json in the data directory may connect");
        _all.AddRange(_foreign.Options);
    }

    public static string DefaultDataDirectory =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".quorummesh");

    public void AddTo(Command command)
    {
        foreach (var option in _all) command.Options.Add(option);
    }

    public NodeSettings Read(ParseResult result) => new NodeSettings
    {
        DataDirectory = Path.GetFullPath(result.GetValue(_dataDir)!),
        Genesis = Given(result, _genesis),
        NetworkId = result.GetValue(_networkId),
        Profile = Given(result, _profile),
        Identity = result.GetValue(_identity) ?? "",
        ListenAddress = result.GetValue(_listen)!,
        Port = result.GetValue(_port),
        MaxPeers = result.GetValue(_maxPeers),
        Permissioned = result.GetValue(_permissioned),
        NodeKeyFile = Given(result, _nodeKey),
        KeystoreDirectory = Given(result, _keystore),
        RaftPort = result.GetValue(_raftPort),
        RaftBlockTime = result.GetValue(_raftBlockTime),
        RaftJoinExisting = result.GetValue(_raftJoin),
        IstanbulBlockPeriod = result.GetValue(_istanbulPeriod),
        IstanbulRequestTimeout = result.GetValue(_istanbulTimeout),
        AllowedFutureBlockTime = result.GetValue(_allowedFuture),
        Http = new RpcListener(result.GetValue(_http), result.GetValue(_httpAddress)!, result.GetValue(_httpPort),
            result.GetValue(_httpApi)!),
        HttpCorsDomain = result.GetValue(_httpCors) ?? "",
        HttpVhosts = result.GetValue(_httpVhosts) ?? "",
        Ws = new RpcListener(result.GetValue(_ws), result.GetValue(_wsAddress)!, result.GetValue(_wsPort), result.GetValue(_wsApi)!),
        WsOrigins = result.GetValue(_wsOrigins) ?? "",
        IpcPath = Given(result, _ipcPath),
        IpcDisabled = result.GetValue(_ipcDisable),
        RpcGasCap = result.GetValue(_gasCap) is > 0 and var cap ? cap : long.MaxValue,
        RpcMemory = result.GetValue(_rpcMemory),
        RpcEvmTimeout = Duration("--rpc.evmtimeout", result.GetValue(_evmTimeout)!),
        RpcAllowUnprotected = result.GetValue(_allowUnprotected),
        RpcBlockTimesInSeconds = result.GetValue(_blockTimes),
        Privacy = Given(result, _privacy),
        Manager = new ManagerFlags(Given(result, _managerSocket), Given(result, _managerUrl), result.GetValue(_managerTimeout),
            result.GetValue(_managerDialTimeout)),
        PublicTransactions = new PublicTransactionPolicy(
            Addresses("--public.refuse-from", List(result, _refuseFrom).Where(a => a != "*")), List(result, _refuseFrom).Contains("*"),
            Addresses("--public.refuse-to", List(result, _refuseTo))),
        PrivateGuard = Enum.Parse<PrivateGuardMode>(
            ServiceDefaults.OptionRules.OneOf("--private-guard", result.GetValue(_privateGuard), "warn", "refuse", "off"),
            ignoreCase: true),
        PassedOver = _foreign.Read(result),
        Unlock = List(result, _unlock),
        PasswordFile = Given(result, _password),
        AllowInsecureUnlock = result.GetValue(_allowInsecureUnlock),
        Archive = ServiceDefaults.OptionRules.OneOf("--gcmode", result.GetValue(_gcMode), "full", "archive") == "archive",
        HistoryState = result.GetValue(_historyState),
        PrivateRewindLimit = result.GetValue(_privateRewind),
        Cache = new CacheSizes(result.GetValue(_cache), result.GetValue(_cacheDatabase), result.GetValue(_cacheTrie),
            result.GetValue(_cacheSnapshot)),
        EvmCompiled = result.GetValue(_evmCompiled),
        RevertReason = result.GetValue(_revertReason),
        HealthUrl = Given(result, _healthUrl),
        PrivateHeadWait = Duration("--health.private-wait", result.GetValue(_privateWait)!),
        PendingWait = Duration("--health.pending-wait", result.GetValue(_pendingWait)!),
        LogJson = result.GetValue(_logJson),
        Verbosity = result.GetValue(_verbosity),
        EmitCheckpoints = result.GetValue(_checkpoints),
    }.Checked(ServiceDefaults.OptionRules.OneOf("--syncmode", result.GetValue(_syncMode), "full"));

    private static string? Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : null;

    private static string[] List(ParseResult result, Option<string> option) =>
        (Given(result, option) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static HashSet<Address> Addresses(string flag, IEnumerable<string> list) =>
        [.. list.Select(text => Address.TryParse(text, out var address) ? address
            : throw new ServiceDefaults.OptionsException(flag, $"'{text}' is not an address"))];

    private Option<string> Text(string name, string description, string? otherwise = null, params string[] aliases) =>
        Add(new Option<string>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = FromEnvironment(name, text => text, otherwise!)
        });

    private Option<int> Number(string name, string description, int otherwise, params string[] aliases) =>
        Add(new Option<int>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = FromEnvironment(name, text => Parse<int>(name, text), otherwise)
        });

    private Option<int?> OptionalNumber(string name, string description) => Add(new Option<int?>(name)
    {
        Description = description,
        DefaultValueFactory = FromEnvironment<int?>(name, text => Parse<int>(name, text), null),
    });

    private Option<bool> Flag(string name, string description, params string[] aliases) =>
        Add(new Option<bool>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = FromEnvironment(name, text => ParseFlag(name, text), false)
        });

    private T Add<T>(T option) where T : Option
    {
        _all.Add(option);
        return option;
    }

    private static Func<ArgumentResult, T> FromEnvironment<T>(string name, Func<string, T> parse, T otherwise) => _ =>
        Environment.GetEnvironmentVariable(VariableOf(name)) is { Length: > 0 } text ? parse(text) : otherwise;

    /// <summary><c>--http.port</c> → <c>QUORUMMESH_NODE_HTTP_PORT</c>.</summary>
    public static string VariableOf(string flag) =>
        EnvironmentPrefix + flag.TrimStart('-').Replace('.', '_').Replace('-', '_').ToUpperInvariant();

    private static T Parse<T>(string name, string text) where T : struct, IBinaryInteger<T> =>
        T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw new ServiceDefaults.OptionsException(VariableOf(name), $"'{text}' is not a number");

    /// <summary>As Go writes durations, or seconds alone as GoQuorum's --vm.calltimeout takes them.</summary>
    private static TimeSpan Duration(string name, string text)
    {
        foreach (var (unit, seconds) in new[] { ("ms", 0.001), ("s", 1.0), ("m", 60.0), ("", 1.0) })
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)
                || !double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out var number)) continue;
            if (number * seconds <= 86_400) return TimeSpan.FromSeconds(number * seconds);
        }
        throw new ServiceDefaults.OptionsException(name, $"'{text}' is not a time of at most a day, as 5s, 500ms or 1m");
    }

    private static bool ParseFlag(string name, string text) => text.ToUpperInvariant() switch
    {
        "1" or "TRUE" => true,
        "0" or "FALSE" => false,
        _ => throw new ServiceDefaults.OptionsException(VariableOf(name), $"'{text}' is neither true nor false"),
    };
}

internal static class NodeSettingsExtensions
{
    /// <summary>Lets a check that yields no setting take part in the initialiser's flow.</summary>
    public static NodeSettings Checked(this NodeSettings settings, string _) => settings.Validate();
}
