using System.CommandLine;
using System.Globalization;
using QuorumMesh.Node.FlagGroups;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node;

/// <summary>
/// geth's flag names where geth has the notion, GoQuorum 2.x spellings as aliases. Every flag can also be set in the environment:
/// <c>--http.port</c> is <c>QUORUMMESH_NODE_HTTP_PORT</c>. The command line wins.
/// </summary>
public sealed class NodeCommandLine
{
    private readonly FlagList _flags = new();
    private readonly ForeignFlags _foreign = new();
    private readonly ChainFlags _chain;
    private readonly PeerFlags _peers;
    private readonly ConsensusFlags _consensus;
    private readonly RpcFlags _rpc;
    private readonly RpcAccessFlags _access;
    private readonly AccountFlags _accounts;
    private readonly PrivacyFlags _privacy;
    private readonly StateFlags _state;
    private readonly HealthFlags _health;

    public NodeCommandLine()
    {
        var defaults = new NodeSettings { DataDirectory = DefaultDataDirectory };
        _chain = new ChainFlags(_flags, defaults);
        _peers = new PeerFlags(_flags, defaults);
        _consensus = new ConsensusFlags(_flags, defaults);
        _rpc = new RpcFlags(_flags, defaults);
        _access = new RpcAccessFlags(_flags, defaults.RpcAccess);
        _accounts = new AccountFlags(_flags);
        _privacy = new PrivacyFlags(_flags, defaults);
        _state = new StateFlags(_flags, defaults);
        _health = new HealthFlags(_flags, defaults);
    }

    public static string DefaultDataDirectory =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".quorummesh");

    public void AddTo(Command command)
    {
        foreach (var option in _flags.All.Concat(_foreign.Options)) command.Options.Add(option);
    }

    public NodeSettings Read(ParseResult result) => WithStateAndHealth(result, new NodeSettings
    {
        DataDirectory = Path.GetFullPath(result.GetValue(_chain.DataDir)!),
        Genesis = Given(result, _chain.Genesis),
        NetworkId = result.GetValue(_chain.NetworkId),
        Profile = Given(result, _chain.Profile),
        Identity = result.GetValue(_peers.Identity) ?? "",
        ListenAddress = result.GetValue(_peers.Listen)!,
        Port = result.GetValue(_peers.Port),
        MaxPeers = result.GetValue(_peers.MaxPeers),
        Discovery = result.GetValue(_peers.Discovery),
        Bootnodes = result.GetValue(_peers.Bootnodes) ?? "",
        NetRestrict = result.GetValue(_peers.NetRestrict) ?? "",
        Permissioned = result.GetValue(_peers.Permissioned),
        NodeKeyFile = Given(result, _peers.NodeKey),
        NodeListsDirectory = Given(result, _peers.Lists) is { } lists ? Path.GetFullPath(lists) : null,
        KeystoreDirectory = Given(result, _accounts.Keystore),
        RaftPort = result.GetValue(_consensus.RaftPort),
        RaftBlockTime = result.GetValue(_consensus.RaftBlockTime),
        RaftLogDirectory = Given(result, _consensus.RaftLogDir) is { } raftLog ? Path.GetFullPath(raftLog) : null,
        RaftTls = _consensus.ReadTls(result),
        RaftCompact = result.GetValue(_consensus.RaftCompact),
        RaftJoinExisting = result.GetValue(_consensus.RaftJoin),
        IstanbulBlockPeriod = result.GetValue(_consensus.IstanbulPeriod),
        IstanbulRequestTimeout = result.GetValue(_consensus.IstanbulTimeout),
        AllowedFutureBlockTime = result.GetValue(_consensus.AllowedFuture),
        Http = _rpc.ReadHttp(result),
        HttpCorsDomain = result.GetValue(_rpc.HttpCors) ?? "",
        HttpVhosts = result.GetValue(_rpc.HttpVhosts) ?? "",
        Ws = _rpc.ReadWs(result),
        WsOrigins = result.GetValue(_rpc.WsOrigins) ?? "",
        RpcAccess = _access.Read(result, Duration),
        IpcPath = Given(result, _rpc.IpcPath),
        IpcDisabled = result.GetValue(_rpc.IpcDisable),
        RpcGasCap = result.GetValue(_rpc.GasCap) is > 0 and var cap ? cap : long.MaxValue,
        RpcMemory = result.GetValue(_rpc.Memory),
        RpcEvmTimeout = Duration("--rpc.evmtimeout", result.GetValue(_rpc.EvmTimeout)!),
        RpcAllowUnprotected = result.GetValue(_rpc.AllowUnprotected),
        RpcBlockTimesInSeconds = result.GetValue(_rpc.BlockTimes),
        Privacy = Given(result, _privacy.Manager),
        PrivacyTls = _privacy.ReadPinned(result),
        Manager = _privacy.ReadManager(result, _foreign.ReadManagerTls(result)),
        PublicTransactions = PublicPolicy(result),
        PrivateGuard = Enum.Parse<PrivateGuardMode>(
            ServiceDefaults.OptionRules.OneOf("--private-guard", result.GetValue(_privacy.PrivateGuard), "warn", "refuse", "off"),
            ignoreCase: true),
        PassedOver = _foreign.Read(result),
        Unlock = List(result, _accounts.Unlock),
        PasswordFile = Given(result, _accounts.Password),
        AllowInsecureUnlock = result.GetValue(_accounts.AllowInsecureUnlock),
    }).Checked(ServiceDefaults.OptionRules.OneOf("--syncmode", result.GetValue(_chain.SyncMode), "full"));

    private NodeSettings WithStateAndHealth(ParseResult result, NodeSettings settings) => settings with
    {
        Archive = ServiceDefaults.OptionRules.OneOf("--gcmode", result.GetValue(_state.GcMode), "full", "archive") == "archive",
        HistoryState = result.GetValue(_state.HistoryState),
        PrivacyMarkers = result.GetValue(_privacy.Markers),
        PrivateRewindLimit = result.GetValue(_privacy.PrivateRewind),
        Cache = Caches(result),
        EvmCompiled = result.GetValue(_state.EvmCompiled),
        RevertReason = result.GetValue(_state.RevertReason),
        HealthUrl = Given(result, _health.HealthUrl),
        PrivateHeadWait = Duration("--health.private-wait", result.GetValue(_health.PrivateWait)!),
        PendingWait = Duration("--health.pending-wait", result.GetValue(_health.PendingWait)!),
        LogJson = result.GetValue(_health.LogJson),
        Verbosity = result.GetValue(_health.Verbosity),
        EmitCheckpoints = result.GetValue(_consensus.Checkpoints),
    };

    private PublicTransactionPolicy PublicPolicy(ParseResult result) => new(
        Addresses("--public.refuse-from", List(result, _privacy.RefuseFrom).Where(a => a != "*")),
        List(result, _privacy.RefuseFrom).Contains("*"),
        Addresses("--public.refuse-to", List(result, _privacy.RefuseTo)));

    private CacheSizes Caches(ParseResult result) => new(result.GetValue(_state.Cache), result.GetValue(_state.CacheDatabase),
        result.GetValue(_state.CacheTrie), result.GetValue(_state.CacheSnapshot));

    private static string? Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : null;

    private static string[] List(ParseResult result, Option<string> option) =>
        (Given(result, option) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static HashSet<Address> Addresses(string flag, IEnumerable<string> list) =>
        [.. list.Select(text => Address.TryParse(text, out var address) ? address
            : throw new ServiceDefaults.OptionsException(flag, $"'{text}' is not an address"))];

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
}

internal static class NodeSettingsExtensions
{
    /// <summary>Lets a check that yields no setting take part in the initialiser's flow.</summary>
    public static NodeSettings Checked(this NodeSettings settings, string _) => settings.Validate();
}
