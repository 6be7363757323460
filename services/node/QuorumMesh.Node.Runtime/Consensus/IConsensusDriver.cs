using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Health;

namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>
/// A consensus engine as the writer loop drives it. The core owns chain, pool and private side and knows no engine; a driver decides what
/// is proposed and committed and owns nothing of the chain. Everything that happens comes in by <see cref="Step"/>; everything that is to
/// happen goes out as <see cref="ConsensusOutput"/>s, which the core carries out in their order, and whose results it tells with further
/// steps. Synchronous; no clock, no randomness of its own; only the loop's thread calls it.
/// </summary>
internal interface IConsensusDriver
{
    /// <summary>
    /// Why this node takes no transactions and has no part in the network; null when it may have. May be read from any thread.
    /// </summary>
    string? Refusal { get; }

    /// <summary>Who judges about this node's blocks.</summary>
    Electorate Electorate { get; }

    /// <summary>A block that came from a peer and was executed here before, as a proposal.</summary>
    /// <returns>It, under this header; null when it was not.</returns>
    ExecutedBlock? Executed(BlockHeader header) => null;

    /// <param name="now">
    /// Of the pass: for block times and paces. Waits are asked for as durations (<see cref="ConsensusOutput.SetTimer"/>).
    /// </param>
    /// <param name="outputs">Where the driver appends what is to happen.</param>
    void Step(ConsensusInput input, NodeTime now, ConsensusOutputs outputs);
}
