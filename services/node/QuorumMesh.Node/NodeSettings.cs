using QuorumMesh.Chain;
using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Runtime;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>
/// The node's settings after reading the command line and the environment; see <see cref="NodeCommandLine"/> for the flags.
/// </summary>
public sealed record NodeSettings
{
    public required string DataDirectory { get; init; }
    public string? Genesis { get; init; }
    public ulong? NetworkId { get; init; }
    public string? Profile { get; init; }
    public string Identity { get; init; } = "";
    public string ListenAddress { get; init; } = "0.0.0.0";
    public int Port { get; init; } = 30303;
    public int MaxPeers { get; init; } = 50;
    public bool Permissioned { get; init; }

    /// <summary>Discovery v4 is spoken.</summary>
    public bool Discovery { get; init; }

    /// <summary>Enode URLs, separated by commas.</summary>
    public string Bootnodes { get; init; } = "";

    /// <summary>Networks as 10.0.0.0/8, separated by commas; empty for all.</summary>
    public string NetRestrict { get; init; } = "";
    public string? NodeKeyFile { get; init; }

    /// <summary>Where static-nodes.json and the other lists of nodes are; null for the data directory.</summary>
    public string? NodeListsDirectory { get; init; }
    public string? KeystoreDirectory { get; init; }
    public int RaftPort { get; init; } = 50400;

    /// <summary>Where the Raft log is kept; null for the data directory.</summary>
    public string? RaftLogDirectory { get; init; }

    public int RaftBlockTime { get; init; } = 50;
    public RaftTlsSettings RaftTls { get; init; } = new();

    /// <summary>Whether Raft's blocks come and go without the transactions that their receiver holds.</summary>
    public bool RaftCompact { get; init; }
    public int? RaftJoinExisting { get; init; }

    /// <summary>Seconds; null takes the genesis's, else GoQuorum's default.</summary>
    public int? IstanbulBlockPeriod { get; init; }

    /// <summary>Milliseconds of a validator's first round; null takes the genesis's, else GoQuorum's default.</summary>
    public int? IstanbulRequestTimeout { get; init; }

    /// <summary>Seconds that a block may be ahead of the clock.</summary>
    public int AllowedFutureBlockTime { get; init; }

    public RpcListener Http { get; init; } = new(false, "127.0.0.1", 8545, "eth,net,web3");
    public string HttpCorsDomain { get; init; } = "";
    public string HttpVhosts { get; init; } = "localhost";
    public RpcListener Ws { get; init; } = new(false, "127.0.0.1", 8546, "eth,net,web3");
    public string WsOrigins { get; init; } = "";

    /// <summary>Who may call over HTTP and WebSocket.</summary>
    public RpcAccessSettings RpcAccess { get; init; } = new();
    public string? IpcPath { get; init; }
    public bool IpcDisabled { get; init; }
    public ulong RpcGasCap { get; init; } = 50_000_000;
    /// <summary>Megabytes that all connections of one JSON-RPC listener may hold; at least 16.</summary>
    public int RpcMemory { get; init; } = 512;

    public TimeSpan RpcEvmTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public bool RpcBlockTimesInSeconds { get; init; }

    /// <summary>JSON-RPC takes transactions without a chain id, whatever the profile says.</summary>
    public bool RpcAllowUnprotected { get; init; }
    public string? Privacy { get; init; }

    /// <summary>For an https address of <see cref="Privacy"/>.</summary>
    public PinnedManager PrivacyTls { get; init; } = new(null, null, null);
    public ManagerFlags Manager { get; init; } = new(null, null, null, null);

    /// <summary>Which public transactions JSON-RPC refuses.</summary>
    public PublicTransactionPolicy PublicTransactions { get; init; } = PublicTransactionPolicy.None;

    /// <summary>What JSON-RPC does with public transactions that were most likely meant to be private.</summary>
    public PrivateGuardMode PrivateGuard { get; init; }

    /// <summary>Private transactions of this node's accounts are sent behind privacy markers.</summary>
    public bool PrivacyMarkers { get; init; }

    /// <summary>Flags that were given and change nothing.</summary>
    public IReadOnlyList<PassedOverFlag> PassedOver { get; init; } = [];
    public IReadOnlyList<string> Unlock { get; init; } = [];
    public string? PasswordFile { get; init; }
    public bool AllowInsecureUnlock { get; init; }
    public bool Archive { get; init; }

    /// <summary>Blocks behind the head; 0 keeps all, null is the default.</summary>
    public ulong? HistoryState { get; init; }

    /// <summary>Null keeps all.</summary>
    public ulong? KeptPublicBlocks => Archive || HistoryState == 0 ? null : HistoryState ?? NodeCoreSetup.DefaultKeptPublicBlocks;

    /// <summary>Blocks that the private state goes back by itself for a payload that came late.</summary>
    public ulong PrivateRewindLimit { get; init; } = NodeCoreSetup.DefaultPrivateRewindLimit;

    public CacheSizes Cache { get; init; } = new();

    /// <summary>Hot contracts are compiled.</summary>
    public bool EvmCompiled { get; init; } = true;

    /// <summary>Receipts keep what a reverted transaction returned.</summary>
    public bool RevertReason { get; init; }

    public string? HealthUrl { get; init; }

    /// <summary>How long the private head may stand behind the public one, with the node still ready.</summary>
    public TimeSpan PrivateHeadWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long executable transactions may wait for a block, with the node still ready.</summary>
    public TimeSpan PendingWait { get; init; } = TimeSpan.FromSeconds(30);
    public bool LogJson { get; init; }
    public int Verbosity { get; init; } = 3;
    public bool EmitCheckpoints { get; init; }

    /// <exception cref="OptionsException">Names the flag that is wrong.</exception>
    public NodeSettings Validate()
    {
        OptionRules.Required("--datadir", DataDirectory);
        OptionRules.Port("--port", Port);
        OptionRules.Port("--raftport", RaftPort, zeroPicksOne: false);
        OptionRules.Port("--http.port", Http.Port);
        OptionRules.Port("--ws.port", Ws.Port);
        OptionRules.Range("--raftblocktime", RaftBlockTime, 1, 60_000);
        OptionRules.Range("--maxpeers", MaxPeers, 0, 10_000);
        if (Discovery) _ = PeerNetworks.Bootnodes(Bootnodes);
        _ = PeerNetworks.Networks(NetRestrict);
        if (Discovery && PassedOver.Any(flag => flag.Name == ForeignFlags.NoDiscover))
            throw new OptionsException("--discovery", $"and {ForeignFlags.NoDiscover} say the opposite: give one of them");
        OptionRules.Range("--rpc.memory", RpcMemory, 16, 1_048_576);
        OptionRules.Range("--verbosity", Verbosity, 0, 5);
        Cache.Validate();
        if (Archive && HistoryState > 0)
            throw new OptionsException("--history.state", $"{HistoryState} drops what --gcmode archive keeps: give one of them");
        if (Genesis is not null) OptionRules.ExistingFile("--genesis", Genesis);
        if (NodeKeyFile is not null) OptionRules.ExistingFile("--nodekey", NodeKeyFile);
        if (PasswordFile is not null) OptionRules.ExistingFile("--password", PasswordFile);
        if (NodeListsDirectory is not null && !Directory.Exists(NodeListsDirectory))
            throw new OptionsException("--peers.lists", $"there is no directory '{NodeListsDirectory}'");
        if (Profile is not null) OptionRules.OneOf("--quorum.profile", Profile, [.. CompatibilityProfile.All.Select(p => p.Name)]);
        if (NetworkId == 1) throw new OptionsException("--networkid", "Cannot have chain id or network id as 1.");
        if (IstanbulBlockPeriod is { } period) OptionRules.Range("--istanbul.blockperiod", period, 0, 86_400);
        if (IstanbulRequestTimeout is { } timeout) OptionRules.Range("--istanbul.requesttimeout", timeout, 100, 3_600_000);
        OptionRules.Range("--allowedfutureblocktime", AllowedFutureBlockTime, 0, 86_400);
        if (RaftJoinExisting is { } id) OptionRules.Range("--raftjoinexisting", id, 1, ushort.MaxValue);
        RequireSafeUnlock("HTTP", Http);
        RequireSafeUnlock("WebSocket", Ws);
        RaftTls.Validate();
        RpcAccess.Validate();
        RpcAccess.Require("--http.addr", Http);
        RpcAccess.Require("--ws.addr", Ws);
        Http.Patterns("--http.methods");
        Ws.Patterns("--ws.methods");
        if (Privacy is not null && Manager.IsGiven)
            throw new OptionsException("--privacy", "names our transaction manager and --ptm.… Tessera's: give one of them");
        Manager.Validate();
        return this;
    }

    private void RequireSafeUnlock(string kind, RpcListener listener)
    {
        if (Unlock.Count == 0 || !listener.Enabled || IsLoopback(listener.Address) || AllowInsecureUnlock) return;
        throw new OptionsException("--unlock", $"unlocked accounts behind {(kind == "HTTP" ? "an" : "a")} {kind} listener that is not on "
            + "loopback can be used by anybody who reaches it: add --allow-insecure-unlock if that is meant");
    }

    public static bool IsLoopback(string address) =>
        address == "localhost" || (System.Net.IPAddress.TryParse(address, out var ip) && System.Net.IPAddress.IsLoopback(ip));
}

/// <param name="Apis">Namespaces, separated by commas.</param>
/// <param name="Methods">Methods and patterns, separated by commas; empty for all.</param>
public sealed record RpcListener(bool Enabled, string Address, int Port, string Apis, string Methods = "")
{
    /// <returns>Null for all methods.</returns>
    /// <exception cref="OptionsException">One of them is no pattern.</exception>
    public MethodPatterns? Patterns(string flag)
    {
        if (Methods.Length == 0) return null;
        try
        {
            return MethodPatterns.Parse(Methods.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        }
        catch (FormatException e)
        {
            throw new OptionsException(flag, e.Message, e);
        }
    }
}

/// <summary>GoQuorum's --ptm.… flags; null where one is absent.</summary>
/// <param name="Timeout">Seconds for an answer; 0 for no limit.</param>
/// <param name="DialTimeout">Seconds for connecting; 0 for no limit.</param>
/// <param name="Tls">Null without --ptm.tls.mode strict.</param>
public sealed record ManagerFlags(string? Socket, string? Url, int? Timeout, int? DialTimeout, ManagerTls? Tls = null)
{
    private const int LongestSeconds = 86_400;

    /// <summary>Whether a manager is named: times alone name none.</summary>
    public bool IsGiven => Socket is not null || Url is not null;

    /// <exception cref="OptionsException">Names the flag that is wrong.</exception>
    public void Validate()
    {
        if (Socket is not null && Url is not null)
            throw new OptionsException("--ptm.socket", "and --ptm.url name two managers: give one of them");
        if (Url is not null) OptionRules.HttpUrl("--ptm.url", Url);
        if (Tls is not null && !IsGiven)
            throw new OptionsException("--ptm.tls.mode",
                "says how a manager is called, and none is named: give --ptm.url, or TlsMode in the file of PRIVATE_CONFIG");
        if (Timeout is { } timeout) OptionRules.Range("--ptm.timeout", timeout, 0, LongestSeconds);
        if (DialTimeout is { } dial) OptionRules.Range("--ptm.dialtimeout", dial, 0, LongestSeconds);
    }
}
