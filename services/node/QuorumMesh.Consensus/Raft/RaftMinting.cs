using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>What a committed raft entry that holds a block means. All members come to the same answer, since they apply the same log.</summary>
public enum RaftBlockVerdict
{
    /// <summary>The block is there already: skip.</summary>
    Known,
    /// <summary>It builds on the head: import.</summary>
    Extends,
    /// <summary>It does not ("invalid raft ordering"): the entry is a no-op.</summary>
    InvalidOrdering,
}

/// <summary>When this member may mint, and on what: the role, the pace, the speculative chain. The clock is the host's: any monotonic origin.</summary>
/// <param name="blockTime">Least time between two blocks (GoQuorum's --raftblocktime, 50 ms).</param>
public sealed class RaftMinting(TimeSpan blockTime, Hash256 chainHead)
{
    private TimeSpan? _lastMint;

    public SpeculativeChain Chain { get; } = new(chainHead);

    public bool IsMinter { get; private set; }

    /// <summary>Became leader or lost the leadership: speculation starts anew on the chain's head. True when the role changed.</summary>
    public bool SetRole(bool isMinter, Hash256 chainHead)
    {
        if (IsMinter == isMinter) return false;
        IsMinter = isMinter;
        Chain.Clear(chainHead);
        return true;
    }

    /// <summary>How long to wait before the next block: zero when idle for the block time, null when not the minter.</summary>
    public TimeSpan? DelayBeforeMint(TimeSpan now)
    {
        if (!IsMinter) return null;
        var wait = _lastMint + blockTime - now;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    /// <summary>A block was built on the speculative head and proposed. A proposal that raft drops must be taken back with <see cref="ProposalDropped"/>.</summary>
    public void Minted(SpeculativeBlock block, TimeSpan now)
    {
        if (block.Transactions.Count == 0) throw new InvalidOperationException("a block without transactions is never minted");
        Chain.Extend(block);
        _lastMint = now;
    }

    /// <summary>Raft did not take the proposal of this block: it will never be committed, nor anything built on it.</summary>
    public void ProposalDropped(Hash256 blockHash, Hash256 chainHead) => Chain.UnwindFrom(blockHash, chainHead);

    public static RaftBlockVerdict Judge(bool isKnown, Hash256 parentHash, Hash256 chainHead) =>
        isKnown ? RaftBlockVerdict.Known : parentHash == chainHead ? RaftBlockVerdict.Extends : RaftBlockVerdict.InvalidOrdering;

    /// <summary>To be told of every committed block after its verdict was carried out; <paramref name="chainHead"/> is the head then.</summary>
    public void Committed(RaftBlockVerdict verdict, Hash256 blockHash, Hash256 chainHead)
    {
        if (verdict == RaftBlockVerdict.Extends) Chain.Accept(blockHash);
        else if (verdict == RaftBlockVerdict.InvalidOrdering) Chain.UnwindFrom(blockHash, chainHead);
    }
}
