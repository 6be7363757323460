namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>The link of an engine that has no members to talk to.</summary>
internal sealed class NoLink : IConsensusLink
{
    public void Hear(Func<NodeInput, bool> post, NodeEvents events)
    {
    }

    public void CarryOut(NetworkEffect effect) => throw new InvalidOperationException($"nobody is there for {effect.GetType().Name}");
}
