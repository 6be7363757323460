using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>What the minter keeps of one proposed block.</summary>
public sealed record SpeculativeBlock(Hash256 Hash, Hash256 ParentHash, IReadOnlyList<Hash256> Transactions);

/// <summary>Blocks that this minter has proposed and Raft has not committed yet, after GoQuorum's raft/speculative_chain.go: new
/// blocks are built on
/// <see cref="Head"/> without waiting.</summary>
public sealed class SpeculativeChain
{
    private readonly LinkedList<SpeculativeBlock> _unapplied = new();
    private readonly HashSet<Hash256> _expectedInvalid = [];
    private readonly HashSet<Hash256> _proposed = [];

    /// <summary>Starts with nothing proposed on the given chain head.</summary>
    public SpeculativeChain(Hash256 chainHead) => Head = chainHead;

    /// <summary>Hash of the block the next one is built on.</summary>
    public Hash256 Head { get; private set; }

    /// <summary>Proposed blocks that are not accepted yet.</summary>
    public int Count => _unapplied.Count;

    /// <summary>Blocks already unwound that Raft will still deliver, as invalid ones.</summary>
    internal int ExpectedInvalidCount => _expectedInvalid.Count;

    /// <summary>Transactions in proposed blocks that are not accepted yet: they must not be put in another.</summary>
    public IReadOnlySet<Hash256> Proposed => _proposed;

    /// <summary>Role change or chain rewind: forgets all speculation.</summary>
    public void Clear(Hash256 chainHead)
    {
        Head = chainHead;
        _unapplied.Clear();
        _expectedInvalid.Clear();
        _proposed.Clear();
    }

    /// <summary>Moves an idle chain to a new head (nothing is proposed); ignored otherwise.</summary>
    public void SetHead(Hash256 chainHead)
    {
        if (_unapplied.Count == 0) Head = chainHead;
    }

    /// <summary>Appends a block just proposed. Its parent must be <see cref="Head"/>.</summary>
    public void Extend(SpeculativeBlock block)
    {
        if (block.ParentHash != Head)
            throw new InvalidOperationException($"block {block.Hash} does not build on the speculative head {Head}");
        Head = block.Hash;
        _unapplied.AddLast(block);
        foreach (var tx in block.Transactions) _proposed.Add(tx);
    }

    /// <summary>A block became the chain's head.</summary>
    public void Accept(Hash256 blockHash)
    {
        var earliest = _unapplied.First?.Value;
        if (earliest is null)
        {
            Head = blockHash;
            return;
        }
        _unapplied.RemoveFirst();
        // Another minter's block came first: everything built here is on a dead branch.
        if (earliest.Hash != blockHash) Clear(blockHash);
        else Unmark(earliest);
    }

    /// <summary>Raft delivered a block that does not build on the chain's head: takes it and everything built on it back.</summary>
    public void UnwindFrom(Hash256 invalidHash, Hash256 chainHead)
    {
        // It was already taken back together with an ancestor.
        if (_expectedInvalid.Remove(invalidHash)) return;
        while (_unapplied.Last is { } newest)
        {
            _unapplied.RemoveLast();
            // Its transactions go back to the pool's choice: they are in no block that will count.
            Unmark(newest.Value);
            Head = _unapplied.Last?.Value.Hash ?? chainHead;
            if (newest.Value.Hash == invalidHash) return;
            // Raft delivers every proposed block sooner or later. This one builds on the invalid one, so it will be void too, and
            // must not unwind what is built by then.
            _expectedInvalid.Add(newest.Value.Hash);
        }
    }

    private void Unmark(SpeculativeBlock block)
    {
        foreach (var tx in block.Transactions) _proposed.Remove(tx);
    }
}
