using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Mints while this node leads: at once when idle, within a <see cref="MintBudget"/> under load. When there is nothing to mine it mints
/// none, but for the few empty blocks that the genesis may ask for. Blocks are built on the speculative head without waiting for Raft
/// (GoQuorum raft/minter.go). Owned by the writer loop.
/// </summary>
internal sealed class Minter(NodeStores stores, INodeSigner signer, ushort raftId, int blockTimeMs, Hash256 head)
{
    /// <summary>
    /// Blocks proposed and not yet committed: more would only make the pipeline longer, so transactions wait for a larger block instead.
    /// </summary>
    private const int MaxSpeculative = 4;

    /// <summary>
    /// Half of an election timeout of the usual second: the leader's heartbeats wait meanwhile. One transaction may take longer, as it does
    /// at everybody once it is committed.
    /// </summary>
    private static readonly BuildBudget LongestBuild = new(TimeSpan.FromMilliseconds(500), Total: null);

    private static readonly BuildLimits Limits = new(MaxTransactions: 2_000, MaxBytes: 4 << 20);

    private readonly SpeculativeChain _chain = new(head);
    private readonly Dictionary<Hash256, ExecutedBlock> _executed = [];
    private readonly EmptyBlockPace _empty = new(stores.Rules.Config.Mesh?.EmptyBlocks, stores.KeyValues);
    private readonly RaftBlockProducer _producer = new(stores.Rules.Config, stores.Rules.Profile);
    private readonly MintBudget _budget = new(blockTimeMs);

    public bool IsLeading { get; private set; }

    /// <summary>Blocks proposed and not committed.</summary>
    public int Proposed => _chain.Count;

    /// <summary>It waits for the first of them.</summary>
    public bool IsPipelineFull => _chain.Count >= MaxSpeculative;

    /// <summary>The block as this node executed it when it minted it, if it did.</summary>
    public ExecutedBlock? Find(in Hash256 blockHash) => _executed.GetValueOrDefault(blockHash);

    /// <summary>What the next block is built on.</summary>
    /// <param name="head">The chain's head.</param>
    public BlockHeader Parent(BlockHeader head) => Find(_chain.Head)?.Block.Header ?? head;

    public void SetLeading(bool leading, in Hash256 chainHead)
    {
        IsLeading = leading;
        Clear(chainHead);
    }

    public void Accepted(in Hash256 blockHash)
    {
        _chain.Accept(blockHash);
        _executed.Remove(blockHash);
        if (_chain.Count == 0) _executed.Clear();
    }

    public void Unwind(in Hash256 invalidHash, in Hash256 chainHead)
    {
        _chain.UnwindFrom(invalidHash, chainHead);
        if (_chain.Count == 0) _executed.Clear();
    }

    public void Clear(in Hash256 chainHead)
    {
        _chain.Clear(chainHead);
        _executed.Clear();
        _empty.Restart();
    }

    /// <summary>When the next block may be minted, for the loop's wake-up; null when there is nothing to wait for.</summary>
    /// <param name="pending">Executable transactions in the pool.</param>
    public long? WakeAt(int pending)
    {
        if (!IsLeading || _chain.Count >= MaxSpeculative) return null;
        return HasReady(pending) ? _budget.NextAt : _empty.NextAt is { } next ? Math.Max(next, _budget.NextAt) : null;
    }

    /// <summary>Asks for the next block if one is due.</summary>
    /// <param name="head">The chain's head.</param>
    /// <param name="pending">Executable transactions in the pool.</param>
    /// <param name="isSettled">Everything in the Raft log is committed and applied: only then an empty block may be due.</param>
    /// <returns>Null when none is.</returns>
    public ConsensusOutput.BuildBlock? Next(BlockHeader head, NodeTime now, int pending, bool isSettled)
    {
        if (!IsLeading || _chain.Count >= MaxSpeculative) return null;
        if (!isSettled || _chain.Count > 0) _empty.Restart();
        var isEmptyDue = isSettled && _chain.Count == 0 && _empty.IsDue(head, now.Milliseconds);
        if (now.Milliseconds < _budget.NextAt || (!isEmptyDue && !HasReady(pending))) return null;
        _budget.Spend(now.Milliseconds);
        var header = _producer.Prepare(Parent(head), BlockTime.OfNanoseconds(now.UnixNanoseconds));
        // Author zero: 2.5:raft/minter.go sets no coinbase, and Raft's reward goes to it, so the state root rests on that.
        return new ConsensusOutput.BuildBlock(header, Author: default, Ahead(), _chain.Proposed, Limits, isEmptyDue, LongestBuild);
    }

    public ExecutedBlock Seal(ExecutedBlock built)
    {
        _empty.Restart();
        // No peer checks this signature; it tells readers of a block which node minted it (2.5:raft/minter.go).
        return built.WithHeader(RaftSeal.Put(built.Block.Header, raftId, hash => signer.Sign(hash)));
    }

    /// <summary>The block was handed to Raft: the next one builds on it.</summary>
    public void Add(ExecutedBlock block)
    {
        _chain.Extend(new SpeculativeBlock(block.Block.Hash, block.Block.Header.ParentHash,
            [.. block.Block.Transactions.Select(t => t.Hash)]));
        _executed[block.Block.Hash] = block;
    }

    /// <summary>Pending ones that are in no proposed block.</summary>
    private bool HasReady(int pending) => pending > _executed.Values.Sum(b => b.Transactions.Count);

    private List<ExecutedBlock> Ahead()
    {
        var ahead = new List<ExecutedBlock>(MaxSpeculative);
        for (var block = Find(_chain.Head); block is not null; block = Find(block.Block.Header.ParentHash)) ahead.Add(block);
        ahead.Reverse();
        return ahead;
    }
}
