using System.CommandLine;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>Raft, IBFT and QBFT.</summary>
internal sealed class ConsensusFlags(FlagList flags, NodeSettings defaults)
{
    public Option<bool> Raft { get; } = flags.Flag("--raft", "use Raft; a genesis without a consensus engine means Raft too");

    public Option<int> RaftPort { get; } = flags.Number("--raftport", "Raft port", defaults.RaftPort);

    public Option<int> RaftBlockTime { get; } =
        flags.Number("--raftblocktime", "time for each block, in milliseconds; the blocks of half a second may come together after a pause",
            defaults.RaftBlockTime);

    public Option<int?> RaftJoin { get; } = flags.OptionalNumber("--raftjoinexisting", "Raft id that raft_addPeer of a member answered");

    public Option<string> RaftLogDir { get; } = flags.Text("--raftlogdir",
        "directory for the Raft log, which is then in raftlog below it (default: the data directory)");

    public Option<bool> RaftCompact { get; } = flags.Flag("--raft.compact",
        "blocks go to Raft members that have this flag too without the transactions that they hold: fewer bytes, more CPU");

    public Option<string> TlsMode { get; } = flags.Text("--raft.tls",
        "TLS between Raft members, by their node keys: accept (others are called in plain text, as by GoQuorum), prefer, or require; the "
        + "port takes TLS in each", "accept");

    public Option<string> TlsPlain { get; } = flags.Text("--raft.tls.plain",
        "GoQuorum members, which speak plain text alone: enode URLs or node ids, with commas between");

    public Option<string> TlsCertificate { get; } = flags.Text("--raft.tls.cert",
        "PEM file with a certificate for the Raft port, and those between it and its CA (default: one by the node key)");

    public Option<string> TlsKey { get; } = flags.Text("--raft.tls.key", "PEM file with the private key of --raft.tls.cert");

    public Option<string> TlsAuthorities { get; } = flags.Text("--raft.tls.ca",
        "PEM file of CAs whose certificates are taken too, when they name the member's host or end a SPIFFE id with its node id");

    public Option<int?> IstanbulPeriod { get; } = flags.OptionalNumber("--istanbul.blockperiod",
        "least time between two IBFT or QBFT blocks, in seconds (default: the genesis's, else 1)");

    public Option<int?> IstanbulTimeout { get; } = flags.OptionalNumber("--istanbul.requesttimeout",
        "milliseconds of a validator's first round before the next proposer's turn (default: the genesis's, else 10000)");

    public Option<int> AllowedFuture { get; } =
        flags.Number("--allowedfutureblocktime", "seconds that an IBFT or QBFT block may be ahead of this node's clock",
            defaults.AllowedFutureBlockTime);

    public Option<bool> Checkpoints { get; } = flags.Flag("--emitcheckpoints", "log GoQuorum's QUORUM-CHECKPOINT lines");

    public RaftTlsSettings ReadTls(ParseResult result) => new()
    {
        Mode = Enum.Parse<RaftTlsMode>(OptionRules.OneOf("--raft.tls", result.GetValue(TlsMode), "accept", "prefer", "require"),
            ignoreCase: true),
        Plain = (result.GetValue(TlsPlain) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        Certificate = Given(result, TlsCertificate),
        Key = Given(result, TlsKey),
        Authorities = Given(result, TlsAuthorities),
    };

    private static string? Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : null;
}
