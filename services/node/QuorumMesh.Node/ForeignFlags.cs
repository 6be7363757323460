using System.CommandLine;
using System.CommandLine.Parsing;
using QuorumMesh.Node.Privacy;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <param name="Name">As <c>--txpool.globalslots</c>.</param>
/// <param name="Told">What the operator should know: what holds here instead.</param>
public sealed record PassedOverFlag(string Name, string Told);

/// <summary>
/// Flags of geth and GoQuorum that scripts pass and that this node has no use for. Those that only tune are accepted, and told at
/// start; those that promise security, another privacy or other rules are refused, for nobody should believe to have what is not
/// there.
/// </summary>
internal sealed class ForeignFlags
{
    /// <summary>GoQuorum's switch for what is off here.</summary>
    public const string NoDiscover = "--nodiscover";

    private const string Metrics = "metrics and health are at --health-url";
    private const string Pool = "the pool's limits are fixed; local transactions are always journalled";
    private const string Profiling = "there is no pprof server; use the .NET diagnostic tools, and --health-url for metrics";
    private const string Pruning = "states are kept by --gcmode and --history.state";
    private const string Caches = "caches are sized by --cache and its parts";
    private const string Discovery = "discovery is off unless --discovery is given, and then v4 alone";
    private const string NoGraphQl = "GraphQL is not served; use JSON-RPC";
    private const string Minting = "validators, or a cluster's leader, make blocks unasked, with the genesis' rules";
    private const string Prices = "the gas price is 0";
    private const string Logs = "use --verbosity and --log-json";
    private const string Wallets = "accounts are in the keystore";
    private const string ManagerBuffers = "the runtime sizes its buffers itself";

    private const string SecurityPlugin = "plugins do not exist here: what the security plugin did for JSON-RPC do --rpc.tls.cert, "
        + "--rpc.tls.key and --rpc.jwt.jwks";
    private const string AttachTls = "is of geth attach, and there is no console here; the node's own are --rpc.tls.… and --rpc.jwt.…";
    private const string ManagerTlsMode = "is missing: say --ptm.tls.mode strict, or off";
    private const string QLight = "qlight nodes are not offered: run a full node";

    private static readonly (string Told, string[] Switches, string[] Values)[] Accepted =
    [
        (Discovery, [NoDiscover, "--v5disc"], ["--bootnodesv5", "--discovery.dns", "--nat"]),
        (Minting, ["--mine", "--miner.noverify"],
            ["--minerthreads", "--miner.threads", "--etherbase", "--miner.etherbase", "--targetgaslimit", "--miner.gastarget",
                "--miner.gaslimit", "--extradata", "--miner.extradata", "--miner.recommit", "--miner.notify"]),
        ("host names are always taken", ["--raftdnsenable"], []),
        (Wallets, ["--nousb", "--usb", "--lightkdf"], ["--pcscdpath"]),
        (Metrics, ["--metrics", "--metrics.expensive", "--metrics.influxdb", "--metrics.influxdbv2"],
            ["--metrics.addr", "--metrics.port", "--metrics.influxdb.endpoint", "--metrics.influxdb.database",
                "--metrics.influxdb.username", "--metrics.influxdb.password", "--metrics.influxdb.tags",
                "--metrics.influxdb.token", "--metrics.influxdb.bucket", "--metrics.influxdb.organization", "--ethstats"]),
        (Profiling, ["--pprof"],
            ["--pprofaddr", "--pprof.addr", "--pprofport", "--pprof.port", "--memprofilerate", "--pprof.memprofilerate",
            "--blockprofilerate", "--pprof.blockprofilerate", "--cpuprofile", "--pprof.cpuprofile", "--trace"]),
        (Prices, [], ["--gasprice", "--miner.gasprice", "--gpoblocks", "--gpo.blocks", "--gpopercentile", "--gpo.percentile",
            "--gpo.maxprice", "--rpc.txfeecap"]),
        (Pool, ["--txpool.nolocals"],
            ["--txpool.locals", "--txpool.journal", "--txpool.rejournal", "--txpool.pricelimit", "--txpool.pricebump",
                "--txpool.accountslots", "--txpool.globalslots", "--txpool.accountqueue", "--txpool.globalqueue", "--txpool.lifetime"]),
        (Logs, ["--debug", "--log.debug"], ["--vmodule", "--log.vmodule", "--backtrace", "--log.backtrace"]),
        (Caches, ["--cache.noprefetch"],
            ["--cache.gc", "--cache.trie.journal", "--cache.trie.rejournal", "--private.cache.trie.journal", "--private.trie.cache",
            "--bloomfilter.size"]),
        (Pruning, ["--nocompaction", "--snapshot", "--cache.preimages"],
            ["--txlookuplimit", "--datadir.ancient", "--datadir.minfreedisk", "--immutabilitythreshold"]),
        (NoGraphQl, ["--graphql"], ["--graphql.addr", "--graphql.port", "--graphql.corsdomain", "--graphql.vhosts"]),
        ("the IPC socket has all namespaces", [], ["--ipcapi"]),
        ("JSON-RPC is served on every path", [], ["--http.rpcprefix", "--ws.rpcprefix"]),
        ("there is one EVM", [], ["--vm.evm", "--vm.ewasm"]),
        ("connections that are being opened have a fixed bound", [], ["--maxpendpeers"]),
        ("there is no console", [], ["--jspath", "--preload", "--docroot"]),
        (ManagerBuffers, [], ["--ptm.http.idletimeout", "--ptm.http.readbuffersize", "--ptm.http.writebuffersize"]),
    ];

    private static readonly (string Why, string[] Switches, string[] Values)[] Refused =
    [
        (SecurityPlugin, ["--plugins.skipverify", "--plugins.localverify"], ["--plugins", "--plugins.publickey"]),
        (AttachTls, ["--rpcclitls.insecureskipverify"],
            ["--rpcclitoken", "--rpcclitls.cert", "--rpcclitls.cacert", "--rpcclitls.ciphersuites"]),
        ("multitenancy is not offered: run one node and one manager for each tenant", ["--multitenancy"], []),
        (QLight, ["--qlight.client", "--qlight.server", "--qlight.tls", "--qlight.client.token.enabled", "--qlight.client.rpc.tls",
            "--qlight.client.rpc.tls.insecureskipverify"],
            ["--qlight.server.p2p.port", "--qlight.server.p2p.maxpeers", "--qlight.server.p2p.netrestrict",
                "--qlight.server.p2p.permissioning.prefix", "--qlight.client.psi", "--qlight.client.token.value",
                "--qlight.client.token.management", "--qlight.client.serverNode", "--qlight.client.serverNodeRPC",
                "--qlight.client.rpc.tls.cacert", "--qlight.client.rpc.tls.cert", "--qlight.client.rpc.tls.key",
                "--qlight.tls.cert", "--qlight.tls.key", "--qlight.tls.cacerts", "--qlight.tls.clientauth", "--qlight.tls.ciphersuites"]),
        ("a key on the command line can be read by every user of the machine: write it to a file and give --nodekey", [], ["--nodekeyhex"]),
        ("external signers are not offered: accounts are in the keystore", [], ["--signer"]),
        ("a TOML file of geth is not read: give its settings as flags or environment variables", [], ["--config"]),
        ("a chain's rules come from its genesis and --quorum.profile", [], ["--override.istanbul", "--override.berlin", "--whitelist"]),
    ];

    private readonly List<(Option Option, string Told)> _accepted = [];
    private readonly List<(Option Option, string Why)> _refused = [];
    private readonly Option<string> _managerTlsMode = new("--ptm.tls.mode") { Hidden = true };
    private readonly Option<bool> _managerSkipVerify = new("--ptm.tls.insecureskipverify") { Hidden = true };
    private readonly Option<string> _managerRootCa = new("--ptm.tls.rootca") { Hidden = true };
    private readonly Option<string> _managerCertificate = new("--ptm.tls.clientcert") { Hidden = true };
    private readonly Option<string> _managerKey = new("--ptm.tls.clientkey") { Hidden = true };

    public ForeignFlags()
    {
        foreach (var (told, switches, values) in Accepted) _accepted.AddRange(OptionsOf(switches, values).Select(o => (o, told)));
        foreach (var (why, switches, values) in Refused) _refused.AddRange(OptionsOf(switches, values).Select(o => (o, why)));
    }

    public IEnumerable<Option> Options =>
        [.. _accepted.Select(a => a.Option), .. _refused.Select(r => r.Option), .. ManagerTlsOptions];

    private IEnumerable<Option> ManagerTlsOptions =>
        [_managerTlsMode, _managerSkipVerify, _managerRootCa, _managerCertificate, _managerKey];

    /// <summary>Those that were given and change nothing.</summary>
    /// <exception cref="OptionsException">One that was given is refused, and why.</exception>
    public IReadOnlyList<PassedOverFlag> Read(ParseResult result)
    {
        foreach (var (option, why) in _refused)
            if (IsGiven(result, option)) throw new OptionsException(option.Name, why);
        var told = _accepted.Where(a => IsGiven(result, a.Option)).Select(a => new PassedOverFlag(a.Option.Name, a.Told)).ToList();
        told.AddRange(PassedOverTls(result));
        return told;
    }

    /// <summary>What --ptm.tls.mode strict asks for; null without it.</summary>
    /// <exception cref="OptionsException">The mode is none.</exception>
    public ManagerTls? ReadManagerTls(ParseResult result) => !IsStrict(result) ? null
        : new ManagerTls(null, Given(result, _managerRootCa), Given(result, _managerCertificate), Given(result, _managerKey),
            result.GetValue(_managerSkipVerify));

    private bool IsStrict(ParseResult result) => result.GetValue(_managerTlsMode) is { Length: > 0 } mode
        && ServiceDefaults.OptionRules.OneOf(_managerTlsMode.Name, mode, "off", "strict") == "strict";

    /// <summary>Without TLS the rest of its flags mean nothing; but they alone say that it was wanted.</summary>
    private IEnumerable<PassedOverFlag> PassedOverTls(ParseResult result)
    {
        if (IsStrict(result)) return [];
        var given = ManagerTlsOptions.Where(o => o != _managerTlsMode && IsGiven(result, o)).ToList();
        if (given.Count > 0 && string.IsNullOrEmpty(result.GetValue(_managerTlsMode)))
            throw new OptionsException(_managerTlsMode.Name, ManagerTlsMode);
        return given.Select(o => new PassedOverFlag(o.Name, "--ptm.tls.mode is off"));
    }

    private static string? Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : null;

    /// <summary>A switch that is set to false asks for nothing.</summary>
    private static bool IsGiven(ParseResult result, Option option) =>
        result.GetResult(option) is { Implicit: false } && (option is not Option<bool> flag || result.GetValue(flag));

    private static IEnumerable<Option> OptionsOf(string[] switches, string[] values) =>
        [.. switches.Select(name => new Option<bool>(name) { Hidden = true }),
            .. values.Select(name => new Option<string>(name) { Hidden = true })];
}
