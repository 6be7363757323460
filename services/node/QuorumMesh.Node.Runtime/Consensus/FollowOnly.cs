namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>
/// The driver of a chain whose network this node takes no part in: it serves the blocks that were imported and brings their private side
/// on. Nothing is proposed, committed or heard.
/// </summary>
/// <param name="explanation">Why, and what to do: the answer to whoever sends a transaction.</param>
internal sealed class FollowOnly(string explanation) : IConsensusDriver
{
    public string? Refusal => explanation;

    public IReadOnlySet<string> Voters { get; } = new HashSet<string>();

    public void Step(ConsensusInput input, NodeTime now, ConsensusOutputs outputs)
    {
    }
}
