using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>What decides one block of an IBFT or QBFT chain: who takes part, in which protocol, and how long one waits.</summary>
/// <param name="Number">Of the block.</param>
/// <param name="Protocol">Ibft or Qbft.</param>
/// <param name="Validators">Who may propose and seal it; empty when a contract names nobody.</param>
/// <param name="LastProposer">Maker of the block before, from whom turns go on; null before block 1.</param>
public sealed record BftSettings(ulong Number, EngineKind Protocol, ValidatorSet Validators, Address? LastProposer)
{
    /// <summary>Least time between this block and the one before.</summary>
    public required ulong PeriodSeconds { get; init; }

    /// <summary>
    /// The same for a block without transactions, when that is longer; 0 when it is not. A proposer keeps it, nobody checks it.
    /// </summary>
    public required ulong EmptyPeriodSeconds { get; init; }

    /// <summary>Timer of round 0; each protocol has its own growth.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>What the growth stops at; null for no bound of the genesis's.</summary>
    public required TimeSpan? MaxRequestTimeout { get; init; }

    /// <summary>A proposer keeps its turn until a round fails.</summary>
    public required bool Sticky { get; init; }

    /// <summary>Messages, and seals, that decide: ceil(2N/3), or 2F+1 where the genesis has it so.</summary>
    public required int Quorum { get; init; }

    /// <summary>Whose turn it is in a round.</summary>
    /// <exception cref="InvalidOperationException">There are no validators.</exception>
    public Address Proposer(ulong round) => Validators.Proposer(Protocol, LastProposer, round, Sticky);
}
