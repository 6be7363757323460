using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Consensus;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>
/// How long this validator may take to make a block. The others execute it within the round, and may be slower: where a block of ours
/// found no quorum the next one gets half of the time, and where one did twice as much again. Owned by the writer loop.
/// </summary>
internal sealed class BftPace
{
    /// <summary>A sixty-fourth at the least, so that a validator that was cut off comes back within some blocks.</summary>
    private const int MostHalvings = 6;

    private BftView? _proposed;
    private int _halvings;

    /// <summary>
    /// A round is for making the block, executing it at the others, and two exchanges of votes. In the usual case half of the period, so
    /// that blocks come at the set pace.
    /// </summary>
    public BuildBudget BudgetFor(BftSettings settings)
    {
        var most = settings.RequestTimeout / 4;
        var half = TimeSpan.FromSeconds(settings.PeriodSeconds) / 2;
        return new BuildBudget((half < most / 2 ? half : most / 2) / (1 << _halvings), most / (1 << _halvings));
    }

    /// <summary>A block of this node's goes out.</summary>
    public void Proposed(BftView view) => _proposed = view;

    /// <summary>The round that was worked on has ended without a block.</summary>
    /// <param name="hadQuorum">Enough validators were connected: without them it failed for want of votes, whatever the block was.</param>
    public void RoundFailed(bool hadQuorum)
    {
        if (_proposed is not null && hadQuorum) _halvings = Math.Min(_halvings + 1, MostHalvings);
        _proposed = null;
    }

    /// <summary>The height has its block.</summary>
    public void Decided()
    {
        if (_proposed is not null) _halvings = Math.Max(_halvings - 1, 0);
        _proposed = null;
    }
}
