namespace QuorumMesh.Consensus.Bft;

/// <summary>The message set that decides a height.</summary>
public enum BftProtocol
{
    /// <summary>IBFT 1.0, as GoQuorum has it (2.5:consensus/istanbul/core).</summary>
    Ibft,

    /// <summary>QBFT, as GoQuorum and Besu have it (24:consensus/istanbul/qbft).</summary>
    Qbft,
}

/// <summary>Who proposes after whom (2.5:consensus/istanbul/validator/default.go).</summary>
public enum ProposerPolicy
{
    /// <summary>Each block has the next proposer.</summary>
    RoundRobin = 0,

    /// <summary>A proposer keeps its turn until a round fails.</summary>
    Sticky = 1,
}
