using QuorumMesh.Chain;

namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>
/// What a consensus driver hears. An engine's messages, reports and requests are kinds of its own, which come through the node's mailbox
/// and which the core hands on unread; the ones named here come from the core.
/// </summary>
public abstract record ConsensusInput : NodeInput
{
    /// <summary>The node starts, with this block as its public head.</summary>
    /// <param name="IsParted">See <see cref="HeadsParted"/>.</param>
    internal sealed record Opened(BlockHeader Head, bool IsParted) : ConsensusInput;

    /// <summary>50 ms have passed.</summary>
    internal sealed record Tick : ConsensusInput
    {
        public static Tick Instance { get; } = new();
    }

    /// <summary>All inputs of a pass have been heard: what they decide is due now, in one go, so that one flush serves them all.</summary>
    internal sealed record InputsHeard : ConsensusInput
    {
        public static InputsHeard Instance { get; } = new();
    }

    /// <summary>All that was decided is on the chain: a block may be proposed.</summary>
    /// <param name="Pending">Executable transactions in the pool.</param>
    internal sealed record MayPropose(int Pending) : ConsensusInput;

    /// <summary>Nothing more happens before the next pass: the last chance to ask for a wait.</summary>
    /// <param name="Pending">Executable transactions in the pool.</param>
    internal sealed record PassEnded(int Pending) : ConsensusInput;

    /// <summary>The wait of <see cref="ConsensusOutput.SetTimer"/> is over.</summary>
    internal sealed record TimerFired(ConsensusTimer Timer) : ConsensusInput;

    /// <summary>What became of <see cref="ConsensusOutput.BuildBlock"/>.</summary>
    /// <param name="Block">Not sealed yet; null when there was nothing to put into it.</param>
    internal sealed record BlockBuilt(ExecutedBlock? Block) : ConsensusInput;

    /// <summary>A proposal was executed on the head (<see cref="ConsensusOutput.VerifyBlock"/>), and nothing stored.</summary>
    /// <param name="Executed">Null when it breaks a rule.</param>
    /// <param name="Reason">Which; null when it breaks none.</param>
    internal sealed record BlockVerified(Block Block, ExecutedBlock? Executed, string? Reason) : ConsensusInput;

    /// <summary>The time of <see cref="ConsensusTimer.Deadline"/> was over before a proposal was executed.</summary>
    internal sealed record VerifyStopped(Block Block) : ConsensusInput;

    /// <summary>The block is the public head now, committed by this driver or fetched in a catch-up.</summary>
    internal sealed record BlockImported(Block Block) : ConsensusInput;

    /// <summary>A committed block does not execute to its own roots; the head stays.</summary>
    internal sealed record BlockFailed(Block Block, string Reason) : ConsensusInput;

    /// <summary>A majority of the members was found on another chain, or agrees again: a node that is parted takes no lead.</summary>
    internal sealed record HeadsParted(bool IsParted) : ConsensusInput;

    /// <summary>The node stops.</summary>
    internal sealed record Closing : ConsensusInput
    {
        public static Closing Instance { get; } = new();
    }
}
