namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// How many blocks may be minted: one for each block time, of which those of half a second may come together after a pause. So a
/// transaction that comes soon after a block need not wait for the block time to pass, and in the long run there are no more blocks than
/// with GoQuorum's fixed gap (2.5:raft/minter.go). With a block time above half a second it is that gap.
/// </summary>
internal sealed class MintBudget(int blockTimeMs)
{
    private const int TogetherMs = 500;

    /// <summary>What may be minted ahead of its time, as time.</summary>
    private readonly long _aheadMs = (long)(Math.Max(1, TogetherMs / blockTimeMs) - 1) * blockTimeMs;

    /// <summary>When the blocks minted so far would all have had their time.</summary>
    private long _usedUpTo;

    /// <summary>When the next block may be minted, in <see cref="NodeTime.Milliseconds"/>.</summary>
    public long NextAt => _usedUpTo - _aheadMs;

    /// <summary>A block is minted.</summary>
    public void Spend(long now) => _usedUpTo = Math.Max(_usedUpTo, now) + blockTimeMs;
}
