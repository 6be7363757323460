using System.CommandLine;
using QuorumMesh.Node.Privacy;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>The transaction manager, and what keeps private data private.</summary>
internal sealed class PrivacyFlags(FlagList flags, NodeSettings defaults)
{
    public Option<string> Manager { get; } =
        flags.Text("--privacy", "our transaction manager: unix:/path, grpc://host:port or https://host:port. Tessera's is named by "
            + "PRIVATE_CONFIG (socket, TOML file or 'ignore')");

    public Option<string> PinnedCertificate { get; } =
        flags.Text("--privacy.tls.cert", "PEM file with the certificate that the node shows a manager at an https address of --privacy");

    public Option<string> PinnedKey { get; } = flags.Text("--privacy.tls.key", "PEM file with the private key of --privacy.tls.cert");

    public Option<string> PinnedPeer { get; } =
        flags.Text("--privacy.tls.manager", "PEM file with the certificate of that manager, the one that is taken");

    public Option<string> ManagerSocket { get; } =
        flags.Text("--ptm.socket", "Unix socket of Tessera or another manager that speaks its REST; wins over PRIVATE_CONFIG");

    public Option<string> ManagerUrl { get; } = flags.Text("--ptm.url", "http address of such a manager; wins over PRIVATE_CONFIG");

    public Option<int?> ManagerTimeout { get; } = flags.OptionalNumber("--ptm.timeout",
        "seconds that such a manager may take for an answer; 0 for no limit (default: 5)");

    public Option<int?> ManagerDialTimeout { get; } = flags.OptionalNumber("--ptm.dialtimeout",
        "seconds that connecting to such a manager may take; 0 for no limit (default: 1)");

    public Option<string> RefuseFrom { get; } = flags.Text("--public.refuse-from",
        "accounts whose public transactions this node's JSON-RPC refuses, separated by commas; * for all");

    public Option<string> RefuseTo { get; } =
        flags.Text("--public.refuse-to", "contracts to which this node's JSON-RPC refuses public transactions, separated by commas");

    public Option<string> PrivateGuard { get; } =
        flags.Text("--private-guard", "what JSON-RPC does with a public transaction to a contract that is private here, or that "
            + "creates one from an account which has created private ones alone: warn, refuse or off", "warn");

    public Option<bool> Markers { get; } = flags.Flag("--privacymarker.enable",
        "send the private transactions of this node's accounts behind privacy markers; the genesis must have privacyPrecompileBlock");

    public Option<ulong> PrivateRewind { get; } = flags.Add(new Option<ulong>("--private.rewind-limit")
    {
        Description = "blocks that the private state goes back by itself for a payload that came late; beyond it 'qmesh private "
            + "rewind' does",
        DefaultValueFactory =
            FlagList.FromEnvironment("--private.rewind-limit", text => FlagList.Parse<ulong>("--private.rewind-limit", text),
            defaults.PrivateRewindLimit),
    });

    public PinnedManager ReadPinned(ParseResult result) =>
        new(Given(result, PinnedCertificate), Given(result, PinnedKey), Given(result, PinnedPeer));

    public ManagerFlags ReadManager(ParseResult result, ManagerTls? tls) => new(Given(result, ManagerSocket), Given(result, ManagerUrl),
        result.GetValue(ManagerTimeout), result.GetValue(ManagerDialTimeout), tls);

    private static string? Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : null;
}
