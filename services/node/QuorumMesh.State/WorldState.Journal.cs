using QuorumMesh.Primitives;
using QuorumMesh.State.Journal;

namespace QuorumMesh.State;

public sealed partial class WorldState
{
    /// <summary>
    /// Precompile 3. A touch of it outlives the revert of the frame that touched it: the main network's block 1714175 depends on
    /// it, and every client keeps the exception.
    /// </summary>
    private static readonly Address Ripemd = Address.FromWord(3u);

    private readonly JournalLog _journal = new();
    private readonly Stack<(byte[]? Code, Hash256 Hash)> _oldCodes = [];
    private readonly Stack<PrivacyMetadata?> _oldPrivacy = [];
    private readonly Stack<(SlotKey Key, UInt256 Value)> _oldTransients = [];
    private bool _ripemdTouched;

    /// <summary>A place in this transaction's journal to go back to; the numbers ascend.</summary>
    public int Snapshot() => _journal.Count;

    /// <exception cref="ArgumentOutOfRangeException">Not a snapshot of this transaction that is still ahead of the present.</exception>
    public void RevertToSnapshot(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id, _journal.Count);
        for (var i = _journal.Count - 1; i >= id; i--) Undo(_journal[i]);
        _journal.Truncate(id);
    }

    private void Undo(in JournalEntry entry)
    {
        if (entry.Account is { } account) UndoAccount(account, entry);
        else UndoTransactionScope(entry);
    }

    private void UndoAccount(AccountEntry account, in JournalEntry entry)
    {
        switch (entry.Kind)
        {
            case JournalKind.AccountCreated or JournalKind.AccountRestored:
                account.Exists = false;
                break;
            case JournalKind.AccountReset:
                _accounts[account.Address] = account;
                _last = account;
                break;
            case JournalKind.Balance:
                account.Balance = entry.Value;
                break;
            case JournalKind.Nonce:
                account.Nonce = entry.Number;
                break;
            case JournalKind.Code:
                (account.Code, account.CodeHash) = _oldCodes.Pop();
                break;
            case JournalKind.Privacy:
                account.Privacy = _oldPrivacy.Pop();
                break;
            case JournalKind.Storage:
                account.Slots![entry.SlotIndex].Current = entry.Value;
                break;
            case JournalKind.SelfDestruct:
                account.SelfDestructed = entry.Flag;
                account.Balance = entry.Value;
                break;
            case JournalKind.WarmAddress:
                account.WarmIn = 0;
                break;
            case JournalKind.WarmSlot:
                account.Slots![entry.SlotIndex].WarmIn = 0;
                break;
            case JournalKind.CreatedMark:
                account.CreatedIn = 0;
                break;
        }
    }

    private void UndoTransactionScope(in JournalEntry entry)
    {
        switch (entry.Kind)
        {
            case JournalKind.Transient:
                var old = _oldTransients.Pop();
                _transient[old.Key] = old.Value;
                break;
            case JournalKind.Refund:
                Refund = entry.Number;
                break;
            case JournalKind.Log:
                _logs.RemoveAt(_logs.Count - 1);
                break;
        }
    }

    private void CommitJournal(bool deleteEmpty, bool deleteDestructed)
    {
        for (var i = 0; i < _journal.Count; i++)
        {
            ref readonly var entry = ref _journal[i];
            if (!entry.ChangesAccount) continue;
            var changed = entry.Account!;
            var account = Load(changed.Address); // may be a later incarnation
            if (deleteDestructed) DeleteIfGone(account, deleteEmpty);
            if (entry.Kind == JournalKind.Storage && ReferenceEquals(account, changed) && account.Slots is { } slots)
                slots[entry.SlotIndex].Committed = slots[entry.SlotIndex].Current;
        }

        if (deleteDestructed && _ripemdTouched && _accounts.TryGetValue(Ripemd, out var ripemd)) DeleteIfGone(ripemd, deleteEmpty);
        _ripemdTouched = false;
        _journal.Clear();
        _oldCodes.Clear();
        _oldPrivacy.Clear();
        _oldTransients.Clear();
    }

    private static void DeleteIfGone(AccountEntry account, bool deleteEmpty)
    {
        if (account.SelfDestructed || (deleteEmpty && account.Exists && account.IsEmpty)) account.Delete();
    }
}
