using System.CommandLine;

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

    public Option<int?> IstanbulPeriod { get; } = flags.OptionalNumber("--istanbul.blockperiod",
        "least time between two IBFT or QBFT blocks, in seconds (default: the genesis's, else 1)");

    public Option<int?> IstanbulTimeout { get; } = flags.OptionalNumber("--istanbul.requesttimeout",
        "milliseconds of a validator's first round before the next proposer's turn (default: the genesis's, else 10000)");

    public Option<int> AllowedFuture { get; } =
        flags.Number("--allowedfutureblocktime", "seconds that an IBFT or QBFT block may be ahead of this node's clock",
            defaults.AllowedFutureBlockTime);

    public Option<bool> Checkpoints { get; } = flags.Flag("--emitcheckpoints", "log GoQuorum's QUORUM-CHECKPOINT lines");
}
