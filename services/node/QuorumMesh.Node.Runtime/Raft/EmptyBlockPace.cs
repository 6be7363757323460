using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// When a minter with nothing to mine makes an empty block: a set number of times after the last block that had transactions, one
/// a period, and then no more. What was made already is counted on the chain, so a restart or another leader goes on where it
/// stands. A chain that has no transaction yet gets none. Owned by the writer loop.
/// </summary>
/// <param name="config">Null makes none.</param>
/// <param name="store">Where the headers behind the head are read from.</param>
internal sealed class EmptyBlockPace(EmptyBlocksConfig? config, IKeyValueReader store)
{
    private Hash256? _head;

    /// <summary>In <see cref="NodeTime.Milliseconds"/>; null when none is to come on the head last asked about.</summary>
    public long? NextAt { get; private set; }

    /// <summary>
    /// The next one comes a whole period from now, if it comes at all: after a block was made, or leadership has changed.
    /// </summary>
    public void Restart() => (_head, NextAt) = (null, null);

    /// <param name="head">The chain's head, which has no block proposed on it.</param>
    /// <param name="now">In <see cref="NodeTime.Milliseconds"/>.</param>
    public bool IsDue(BlockHeader head, long now)
    {
        if (config is null) return false;
        if (_head != head.Hash) (_head, NextAt) = (head.Hash, IsAtRest(head) ? null : now + (config.PeriodSeconds * 1_000L));
        return now >= NextAt;
    }

    /// <summary>Reads as many headers as there may be empty blocks, at most.</summary>
    private bool IsAtRest(BlockHeader head)
    {
        var header = head;
        for (var empty = 0; empty < config!.Count; empty++)
        {
            if (header.Number == 0) return true;
            if (header.TransactionsRoot != Hash256.EmptyTrie) return false;
            header = ChainStore.GetHeader(store, header.ParentHash)
                ?? throw new ChainCorruptException($"header {header.ParentHash} is below the head and not stored");
        }
        return true;
    }
}
