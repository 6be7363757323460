using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Keeps how each account has made contracts, from block 0 on. In a store that has it up to the head, each new block's goes in the batch
/// that moves the head. In one that an earlier build wrote, blocks are noted step by step beside the writer, which notes nothing until
/// they reach its head: rows are written from one side at a time. Thread safe.
/// </summary>
public sealed class CreationIndex
{
    /// <summary>Blocks of one step at most: what they need is in memory together.</summary>
    private const ulong BlocksPerStep = 256;

    private readonly IKeyValueStore _store;
    private readonly ChainRules _rules;
    private readonly Lock _gate = new();
    private ulong _indexed;
    private ulong _skipped;

    internal CreationIndex(IKeyValueStore store, ChainRules rules)
    {
        (_store, _rules) = (store, rules);
        _indexed = CreationRecord.IndexedTo(store);
    }

    /// <summary>The last block that is noted, with all before it.</summary>
    public ulong IndexedTo
    {
        get
        {
            lock (_gate) return _indexed;
        }
    }

    /// <summary>
    /// For the batch that moves the head to a block. Does nothing while older blocks are missing, but that the block is left to
    /// <see cref="BuildStep"/>.
    /// </summary>
    internal void Note(KeyValueBatch batch, ulong block, IReadOnlyList<RecoveredTransaction> transactions)
    {
        lock (_gate)
        {
            if (_indexed + 1 != block)
            {
                _skipped = block;
                return;
            }
            _indexed = block;
        }
        CreationRecord.Note(batch, _store,
            transactions.Where(t => t.Tx.IsCreation).Select(t => new Creation(t.Sender, block, t.Tx.IsPrivate)));
        CreationRecord.PutIndexedTo(batch, block);
    }

    /// <summary>Notes the oldest blocks that are missing. For one caller at a time.</summary>
    /// <returns>False when none is missing. True also while the next one is left to it and not stored yet.</returns>
    /// <exception cref="ChainCorruptException">A stored block is damaged.</exception>
    public bool BuildStep()
    {
        var from = IndexedTo + 1;
        using var snapshot = _store.Snapshot();
        var head = ChainStore.GetPublicHead(snapshot)?.Number ?? 0;
        if (from > head) return IsLeftToBuild(from);
        var to = Math.Min(head, from + BlocksPerStep - 1);
        var made = new List<Creation>();
        for (var number = from; number <= to; number++) Collect(snapshot, number, made);
        var batch = new KeyValueBatch();
        CreationRecord.Note(batch, snapshot, made);
        CreationRecord.PutIndexedTo(batch, to);
        _store.Write(batch, sync: false);
        lock (_gate) _indexed = to;
        return true;
    }

    /// <summary>
    /// The writer asks before it stores: when the last blocks before its own are noted in between, nobody else notes this one.
    /// </summary>
    private bool IsLeftToBuild(ulong block)
    {
        lock (_gate) return _indexed + 1 == block && _skipped >= block;
    }

    private void Collect(IKeyValueReader reader, ulong number, List<Creation> made)
    {
        var block = ChainStore.GetBlock(reader, number) ?? throw new ChainCorruptException($"block {number} is not stored");
        var rules = _rules.SenderRulesAt(number);
        foreach (var creation in block.Transactions.Where(t => t.IsCreation))
        {
            var sender = TransactionSigner.Recover(creation, rules)
                ?? throw new ChainCorruptException($"the sender of stored transaction {creation.Hash} cannot be recovered");
            made.Add(new Creation(sender.Sender, number, creation.IsPrivate));
        }
    }
}
