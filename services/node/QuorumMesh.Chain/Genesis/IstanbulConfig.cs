namespace QuorumMesh.Chain.Genesis;

/// <summary>Consensus engines that a genesis may ask for.</summary>
public enum EngineKind
{
    /// <summary>The default of a genesis that names no engine.</summary>
    Raft,
    /// <summary>IBFT 1.0</summary>
    Ibft,
    Qbft,
}

/// <param name="Epoch">Blocks between vote resets; 30000 when absent or 0.</param>
/// <param name="Policy">Proposer choice: 0 round-robin, 1 sticky.</param>
/// <param name="Ceil2Nby3Block">From this block a quorum is ceil(2N/3); null means 2F+1 for ever.</param>
/// <param name="BlockPeriodSeconds">Only in the newer ibft and qbft objects; the command line decides otherwise.</param>
/// <param name="RequestTimeoutSeconds">Likewise.</param>
public sealed record IstanbulConfig(
    ulong Epoch,
    ulong Policy,
    ulong? Ceil2Nby3Block,
    ulong? BlockPeriodSeconds = null,
    ulong? RequestTimeoutSeconds = null)
{
    /// <summary>GoQuorum's, for an epoch that is absent or 0.</summary>
    public const ulong DefaultEpoch = 30000;
}
