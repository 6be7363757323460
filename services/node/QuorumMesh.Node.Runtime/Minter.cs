using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Mints while this node leads: at once when idle, at most one block per block time under load. When there is nothing to mine it mints none, but for the few empty blocks that the
/// genesis may ask for. Blocks are built on the speculative head without waiting for Raft (GoQuorum raft/minter.go). Owned by the writer loop.
/// </summary>
internal sealed class Minter(NodeStores stores, INodeSigner signer, ushort raftId, int blockTimeMs, Hash256 head)
{
    /// <summary>Blocks proposed and not yet committed: more would only make the pipeline longer, so transactions wait for a larger block instead.</summary>
    private const int MaxSpeculative = 4;
    private const int MaxTransactionsPerBlock = 2_000;
    private const long MaxBlockBytes = 4 << 20;

    private readonly SpeculativeChain _chain = new(head);
    private readonly Dictionary<Hash256, ExecutedBlock> _executed = [];
    private readonly EmptyBlockPace _empty = new(stores.Rules.Config.Mesh?.EmptyBlocks, stores.KeyValues);
    private readonly RaftBlockProducer _producer = new(stores.Rules.Config, stores.Rules.Profile);
    private long _nextMint;

    public bool IsLeading { get; private set; }

    /// <summary>The block as this node executed it when it minted it, if it did.</summary>
    public ExecutedBlock? Find(in Hash256 blockHash) => _executed.GetValueOrDefault(blockHash);

    /// <summary>What the next block is built on.</summary>
    public BlockHeader Parent(ChainWriter chain) => Find(_chain.Head)?.Block.Header ?? chain.Head;

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
    public long? WakeAt(TransactionPool pool)
    {
        if (!IsLeading || _chain.Count >= MaxSpeculative) return null;
        return HasReady(pool) ? _nextMint : _empty.NextAt is { } next ? Math.Max(next, _nextMint) : null;
    }

    /// <summary>Builds the next block if one is due.</summary>
    /// <param name="isSettled">Everything in the Raft log is committed and applied: only then an empty block may be due.</param>
    /// <returns>Null when none is.</returns>
    public ExecutedBlock? TryMint(TransactionDesk desk, ChainWriter chain, NodeTime now, bool isSettled)
    {
        var pool = desk.Pool;
        if (!IsLeading || _chain.Count >= MaxSpeculative) return null;
        if (!isSettled || _chain.Count > 0) _empty.Restart();
        var isEmptyDue = isSettled && _chain.Count == 0 && _empty.IsDue(chain.Head, now.Milliseconds);
        if (now.Milliseconds < _nextMint || (!isEmptyDue && !HasReady(pool))) return null;
        _nextMint = now.Milliseconds + blockTimeMs;
        var (parent, layer, privateLayer) = Find(_chain.Head) is { } speculative
            ? (speculative.Block.Header, speculative.Imported.PublicLayer, chain.Usable(speculative.Imported.PrivateLayer))
            : (chain.Head, chain.PublicLayer, chain.PrivateLayer);
        var built = stores.Builder.Build(
            _producer.Prepare(parent, BlockTime.OfNanoseconds(now.UnixNanoseconds)), author: default, pool.Ready(t => _chain.IsProposed(t.Tx.Hash)),
            new(layer, privateLayer, number => BlockHashAt(parent, number), chain.PayloadFor), new BuildLimits(MaxTransactionsPerBlock, MaxBlockBytes));
        foreach (var (transaction, reason) in built.Skipped)
            if (!MayFitLater(transaction.Tx, reason, built.Block.Header.GasLimit)) desk.Refused(transaction, TransactionInvalidText.Of(reason));
        if (built.Transactions.Count == 0 && !isEmptyDue) return null;
        _empty.Restart();
        var completed = built.WithHeader(RaftSeal.Put(built.Block.Header, raftId, hash => signer.Sign(hash))).ToImported();
        return new ExecutedBlock(completed, built.Transactions);
    }

    /// <summary>The block was handed to Raft: the next one builds on it.</summary>
    public void Proposed(ExecutedBlock block)
    {
        _chain.Extend(new SpeculativeBlock(block.Block.Hash, block.Block.Header.ParentHash, [.. block.Block.Transactions.Select(t => t.Hash)]));
        _executed[block.Block.Hash] = block;
    }

    /// <summary>Pending ones that are in no proposed block.</summary>
    private bool HasReady(TransactionPool pool) => pool.PendingCount > _executed.Values.Sum(b => b.Transactions.Count);

    /// <summary>One above the limit of a whole block would not: kept, it would have an empty block built every block time.</summary>
    private static bool MayFitLater(Transaction tx, TransactionInvalid reason, ulong blockGasLimit) => reason switch
    {
        TransactionInvalid.GasLimitReached => tx.GasLimit <= blockGasLimit,
        TransactionInvalid.NonceTooHigh or TransactionInvalid.NonceTooLow => true,
        _ => false,
    };

    /// <summary>The hash of an ancestor: speculative blocks are not in the store yet.</summary>
    private Hash256 BlockHashAt(BlockHeader parent, ulong number)
    {
        var header = parent;
        while (header.Number > number && Find(header.ParentHash) is { } above) header = above.Block.Header;
        if (header.Number == number) return header.Hash;
        return header.Number == number + 1 ? header.ParentHash : ChainStore.GetCanonicalHash(stores.KeyValues, number) ?? default;
    }
}
