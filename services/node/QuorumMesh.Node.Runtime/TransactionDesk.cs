using System.Globalization;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Takes transactions in: pool, journal and announcements. A local transaction is answered only after its journal row is durable,
/// and is announced again until it is mined. Owned by the writer loop.
/// </summary>
internal sealed class TransactionDesk(NodeStores stores, TransactionPool pool)
{
    private const int MaxAnnouncePerRound = 4_000;
    private const long AnnounceAfterMs = 3_000;

    private readonly Dictionary<Hash256, (RecoveredTransaction Transaction, long Since)> _unmined = [];
    private readonly KeyValueBatch _journal = new();
    private readonly SlowTransactions _slow = new();
    private JournalledEffects? _written;
    private ulong _head = stores.Public.Head.Block;

    public TransactionPool Pool => pool;

    public int UnminedLocal => _unmined.Count;

    /// <summary>Those of the pool that blocks of this node are made without for a while, the next to be tried first.</summary>
    public IReadOnlyList<HeldTransaction> HeldBack =>
        [.. _slow.All.Where(held => pool.Contains(held.Hash)).OrderBy(static held => held.NextBlock)];

    /// <summary>Puts the journalled transactions back into the pool after a restart. Rows of mined or invalid ones are dropped.</summary>
    public void RestoreJournal(NodeTime now, NodeEffects effects)
    {
        var rules = stores.Rules.SenderRulesAt((ChainStore.GetPublicHead(stores.KeyValues)?.Number ?? 0) + 1);
        foreach (var (key, raw) in stores.KeyValues.Scan([KeySpaces.Journal]).ToList())
        {
            var recovered = stores.Senders.Recover(Transaction.Decode(raw), rules);
            if (recovered is not null && ChainStore.GetTransactionLocation(stores.KeyValues, recovered.Tx.Hash) is null
                && TryPool(recovered, local: true, now, out _))
            {
                _unmined[recovered.Tx.Hash] = (recovered, now.Milliseconds);
                // The node may have died between the answer and the broadcast: peers need not have it.
                effects.Announce.Add(recovered);
            }
            else
            {
                _journal.Delete(key);
            }
        }
        Write(new NodeEffects());
    }

    /// <returns>Why the pool refuses it; null when it took it, and the answer goes by <see cref="AnswerJournalled"/>.</returns>
    public string? AddLocal(RecoveredTransaction transaction, NodeTime now)
    {
        if (!TryPool(transaction, local: true, now, out var reason)) return reason;
        var hash = transaction.Tx.Hash;
        _unmined[hash] = (transaction, now.Milliseconds);
        _journal.Put(JournalKey(hash), transaction.Tx.Encode());
        (_written ??= new JournalledEffects()).Broadcast.Add(transaction);
        return null;
    }

    /// <summary>An answer about transactions that the pool took in this pass.</summary>
    public void AnswerJournalled(NodeAnswer answer) => (_written ??= new JournalledEffects()).Answers.Add(answer);

    public void AddRemote(IReadOnlyList<RecoveredTransaction> transactions, NodeTime now, NodeEffects effects,
        Action<RecoveredTransaction> tookIn)
    {
        foreach (var transaction in transactions)
        {
            // Not journalled: nobody was promised anything here, and the node that did announces it again.
            if (!TryPool(transaction, local: false, now, out _)) continue;
            effects.Broadcast.Add(transaction);
            tookIn(transaction);
        }
    }

    /// <summary>Adds the removal of a mined block's journal rows to the block's own batch.</summary>
    public void Mined(IReadOnlyList<Transaction> transactions, KeyValueBatch batch)
    {
        foreach (var transaction in transactions)
        {
            _slow.Forget(transaction.Hash);
            if (!_unmined.Remove(transaction.Hash)) continue;
            batch.Delete(JournalKey(transaction.Hash));
        }
    }

    /// <summary>The pool follows a new head. A local transaction that can no longer be mined leaves the journal.</summary>
    /// <param name="changes">To the public state.</param>
    public void NewHead(BlockHeader head, IStateReader state, IReadOnlyList<RecoveredTransaction> mined, StateChangeSet changes)
    {
        _head = head.Number;
        // Before Prague an account's nonce moves with its own transactions only.
        var moved = stores.Rules.ForkAt(head.Number) < Fork.Prague
            ? null
            : changes.Accounts.Values.Where(c => c.New?.Nonce != c.Old?.Nonce).Select(c => c.Address);
        Forget(pool.SetHead(HeadFor(head, state), mined, moved));
    }

    /// <summary>The minter found a transaction that no block can take.</summary>
    public void Refused(RecoveredTransaction transaction, string reason) => Forget(pool.Remove(transaction.Tx.Hash, reason));

    /// <summary>
    /// Executable ones that a block is to be made for. One that has failed again and again, and what its sender has sent since, hurries
    /// nobody: else there would be empty blocks at the full pace for as long as it waits.
    /// </summary>
    public int WaitingFor(ulong block)
    {
        var idle = _slow.All.Where(held => held.Tries >= SlowTransactions.MostTries && _slow.IsHeld(held.Hash, block)
            && pool.Contains(held.Hash)).GroupBy(static held => held.Sender, static held => held.Nonce);
        return pool.PendingCount - idle.Sum(sender =>
            pool.NextNonce(sender.Key) is var next && sender.Min() is var first && next > first ? (int)(next - first) : 0);
    }

    /// <summary>
    /// Candidates for a block that is made now: what is in one that is proposed, or held back, is left out. Once for each such block.
    /// </summary>
    public ITransactionSource Ready(IReadOnlySet<Hash256> taken, ulong block)
    {
        _slow.Building();
        return pool.Ready(t => taken.Contains(t.Tx.Hash) || _slow.IsHeld(t.Tx.Hash, block));
    }

    /// <summary>
    /// The time of a block was over while it ran. One that this node has acknowledged stays, however often that happens: its client was
    /// told that it cannot be lost. One of a peer's goes after some tries, and is not taken in again before it could be tried again.
    /// </summary>
    /// <param name="isFirst">See <see cref="SlowTransactions.CutOff"/>.</param>
    public (HeldTransaction Held, bool IsDropped) CutOff(RecoveredTransaction transaction, ulong block, bool isFirst)
    {
        _slow.Prune(hash => pool.Contains(hash), block);
        var held = _slow.CutOff(transaction, block, isFirst);
        if (held.Tries < SlowTransactions.MostTries || _unmined.ContainsKey(held.Hash)) return (held, false);
        Refused(transaction, TooSlowText(held));
        return (held, true);
    }

    public static PoolHead HeadFor(BlockHeader head, IStateReader state) => new(head.Number, head.GasLimit, address =>
        state.GetAccount(address) is { } account ? (account.Nonce, account.Balance) : (0, UInt256.Zero));

    /// <summary>
    /// Writes the journal's rows, one write for the whole batch of inputs, and gives out what waits for them to be flushed. Before a block
    /// that holds the transactions is imported: its batch removes the rows.
    /// </summary>
    public void Write(NodeEffects effects)
    {
        if (_journal.Count > 0)
        {
            stores.KeyValues.Write(_journal, sync: false);
            _journal.Clear();
        }
        if (_written is null) return;
        effects.Journalled = _written;
        _written = null;
    }

    /// <summary>Once a second: expiry, journal rows that nothing can come of, and announcements.</summary>
    public void Maintain(NodeTime now, bool minterChanged, NodeEffects effects)
    {
        Forget(pool.Expire(now.Wall));
        AnnounceAgain(now, minterChanged, effects);
    }

    /// <summary>Announces local transactions that wait too long, oldest first; all of them when the minter has changed.</summary>
    private void AnnounceAgain(NodeTime now, bool minterChanged, NodeEffects effects)
    {
        // A GoQuorum peer drops gossip when its queue is full, and nobody asks for it again: only telling it again brings it in.
        if (_unmined.Count == 0) return;
        var due = _unmined.Values
            .Where(u => minterChanged || now.Milliseconds - u.Since >= AnnounceAfterMs)
            .OrderBy(u => u.Since).ThenBy(u => u.Transaction.Tx.Nonce)
            .Take(MaxAnnouncePerRound)
            .ToList();
        foreach (var (transaction, _) in due)
        {
            _unmined[transaction.Tx.Hash] = (transaction, now.Milliseconds);
            effects.Announce.Add(transaction);
        }
    }

    private void Forget(IReadOnlyList<PoolEvent> events)
    {
        foreach (var dropped in events)
            if (dropped.Kind is PoolEventKind.Dropped or PoolEventKind.Replaced && _unmined.Remove(dropped.Transaction.Tx.Hash))
                _journal.Delete(JournalKey(dropped.Transaction.Tx.Hash));
    }

    private bool TryPool(RecoveredTransaction transaction, bool local, NodeTime now, out string reason)
    {
        // Each try costs a block's time.
        if (_slow.Find(transaction.Tx.Hash) is { } held && _head + 1 < held.NextBlock && !pool.Contains(held.Hash))
        {
            reason = TooSlowText(held);
            return false;
        }
        var result = pool.Add(transaction, local, now.Wall);
        reason = result.Error ?? "";
        Forget(result.Events);
        return result.IsAccepted;
    }

    private static string TooSlowText(HeldTransaction held) =>
        "transaction takes longer to execute than a block of this node may take: give it less to do, or send it again from block "
        + held.NextBlock.ToString(CultureInfo.InvariantCulture) + " on";

    private static byte[] JournalKey(in Hash256 hash) => [KeySpaces.Journal, .. hash.ToArray()];
}
