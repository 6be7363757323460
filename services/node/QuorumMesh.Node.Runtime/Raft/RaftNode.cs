namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>What operators ask of a Raft member beside its membership. Thread safe.</summary>
/// <param name="facts">Gathers what is known, within some seconds.</param>
/// <param name="transfer">Brings the wish to the node's loop.</param>
public sealed class RaftNode(Func<CancellationToken, Task<RaftFacts>> facts, Func<ulong?, CancellationToken, Task<ulong>> transfer)
{
    /// <summary>Why there is no block.</summary>
    public async Task<(RaftFacts Facts, RaftVerdict Verdict)> ExplainAsync(CancellationToken cancellation)
    {
        var known = await facts(cancellation).ConfigureAwait(false);
        return (known, RaftVerdict.Of(known));
    }

    /// <summary>Hands leadership to another member; waits until it leads, <see cref="RaftHandover.WaitMs"/> at most.</summary>
    /// <param name="target">Null for whoever can take over at once; on a node that does not lead, for nothing to be done.</param>
    /// <returns>The Raft id that leads.</returns>
    /// <exception cref="RaftMembershipException">Nobody has taken over, or the target cannot.</exception>
    public Task<ulong> TransferLeadershipAsync(ulong? target, CancellationToken cancellation) => transfer(target, cancellation);
}
