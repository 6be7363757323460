namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>An engine's way to the other members. The loop's thread calls it, and must not be held up.</summary>
public interface IConsensusLink
{
    /// <summary>Posts what is heard from now on.</summary>
    /// <param name="post">False when the mailbox is full.</param>
    void Hear(Func<NodeInput, bool> post, NodeEvents events);

    /// <param name="effect">Of the kinds of this link's engine.</param>
    void CarryOut(NetworkEffect effect);
}
