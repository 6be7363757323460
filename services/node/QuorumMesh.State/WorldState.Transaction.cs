using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State.Journal;

namespace QuorumMesh.State;

public sealed partial class WorldState
{
    // Warmth and creation are marks that carry the number of their transaction: nothing has to be cleared between two.
    private int _transaction = 1;
    private List<LogEntry> _logs = [];

    /// <summary>Logs of the current transaction. The list stays as it is when the next transaction begins.</summary>
    public IReadOnlyList<LogEntry> Logs => _logs;

    /// <summary>Refund counter of this transaction, in gas, before the cap (EIP-2200, EIP-3529).</summary>
    public ulong Refund { get; private set; }

    /// <summary>
    /// Starts a transaction: clears access list, transient storage, refund, logs and the created set; current storage becomes the
    /// committed one.
    /// </summary>
    public void BeginTransaction()
    {
        CommitJournal(deleteEmpty: false, deleteDestructed: false);
        _transaction++;
        _transient.Clear();
        if (_logs.Count > 0) _logs = [];
        Refund = 0;
    }

    /// <summary>
    /// Ends a transaction that was stopped in its middle: the state is what it was before <see cref="BeginTransaction"/>. Nothing may have
    /// been changed outside of a transaction since.
    /// </summary>
    public void TakeBackTransaction()
    {
        RevertToSnapshot(0);
        // Kept by a revert within a transaction alone.
        _ripemdTouched = false;
    }

    /// <summary>
    /// Ends a transaction: self-destructed accounts go, and with <paramref name="deleteEmpty"/> (EIP-158) the touched empty ones.
    /// Snapshots taken before are no longer valid.
    /// </summary>
    public void FinaliseTransaction(bool deleteEmpty) => CommitJournal(deleteEmpty, deleteDestructed: true);

    /// <inheritdoc/>
    public void MarkCreated(in Address a)
    {
        var entry = Load(a);
        if (entry.CreatedIn == _transaction) return;
        _journal.Add(JournalKind.CreatedMark, entry);
        entry.CreatedIn = _transaction;
    }

    /// <inheritdoc/>
    public bool IsCreatedInTransaction(in Address a) => Load(a).CreatedIn == _transaction;

    /// <inheritdoc/>
    public void AddLog(LogEntry log)
    {
        _journal.Add(JournalKind.Log, null);
        _logs.Add(log);
    }

    /// <inheritdoc/>
    public void AddRefund(ulong gas)
    {
        _journal.Add(JournalKind.Refund, null).Number = Refund;
        Refund += gas;
    }

    /// <exception cref="InvalidOperationException">More than the counter holds.</exception>
    public void SubtractRefund(ulong gas)
    {
        if (gas > Refund) throw new InvalidOperationException($"refund counter {Refund} cannot give back {gas}");
        _journal.Add(JournalKind.Refund, null).Number = Refund;
        Refund -= gas;
    }

    /// <inheritdoc/>
    public bool WarmAddress(in Address a)
    {
        var entry = Load(a);
        if (entry.WarmIn == _transaction) return false;
        _journal.Add(JournalKind.WarmAddress, entry);
        entry.WarmIn = _transaction;
        return true;
    }

    /// <inheritdoc/>
    public bool IsWarm(in Address a) => Load(a).WarmIn == _transaction;

    /// <inheritdoc/>
    public bool WarmSlot(in Address a, in UInt256 slot)
    {
        var entry = Load(a);
        var slots = entry.Slots ??= new SlotTable();
        int index = slots.FindOrAdd(slot);
        ref var mark = ref slots[index].WarmIn;
        if (mark == _transaction) return false;
        _journal.Add(JournalKind.WarmSlot, entry).SlotIndex = index;
        mark = _transaction;
        return true;
    }

    /// <inheritdoc/>
    public bool IsSlotWarm(in Address a, in UInt256 slot)
    {
        if (Load(a).Slots is not { } slots) return false;
        int index = slots.Find(slot);
        return index >= 0 && slots[index].WarmIn == _transaction;
    }

    /// <summary>An account created over another keeps the marks of the address.</summary>
    private void CarryMarks(AccountEntry from, AccountEntry to)
    {
        to.WarmIn = from.WarmIn;
        to.CreatedIn = from.CreatedIn;
        if (from.Slots is not { } slots) return;
        for (var i = 0; i < slots.Count; i++)
        {
            ref readonly var slot = ref slots[i];
            if (slot.WarmIn != _transaction) continue;
            to.Slots ??= new SlotTable();
            to.Slots[to.Slots.FindOrAdd(slot.Slot)].WarmIn = slot.WarmIn;
        }
    }
}
