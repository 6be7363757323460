using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.State;

public sealed partial class WorldState
{
    private readonly HashSet<Address> _warmAddresses = [];
    private readonly HashSet<SlotKey> _warmSlots = [];
    private readonly HashSet<Address> _created = [];
    private List<LogEntry> _logs = [];

    /// <summary>Logs of the current transaction. The list stays as it is when the next transaction begins.</summary>
    public IReadOnlyList<LogEntry> Logs => _logs;

    public ulong Refund { get; private set; }

    /// <summary>Starts a transaction: clears access list, transient storage, refund, logs and the created set; current storage becomes the committed one.</summary>
    public void BeginTransaction()
    {
        CommitJournal(deleteEmpty: false, deleteDestructed: false);
        _warmAddresses.Clear();
        _warmSlots.Clear();
        _transient.Clear();
        _created.Clear();
        if (_logs.Count > 0) _logs = [];
        Refund = 0;
    }

    /// <summary>
    /// Ends a transaction: self-destructed accounts go, and with <paramref name="deleteEmpty"/> (EIP-158) the touched empty ones.
    /// Snapshots taken before are no longer valid.
    /// </summary>
    public void FinaliseTransaction(bool deleteEmpty) => CommitJournal(deleteEmpty, deleteDestructed: true);

    public void MarkCreated(in Address a)
    {
        if (_created.Add(a)) Record(new JournalEntry { Kind = JournalKind.CreatedMark, Key = new SlotKey(a, default) });
    }

    public bool IsCreatedInTransaction(in Address a) => _created.Contains(a);

    public void AddLog(LogEntry log)
    {
        Record(new JournalEntry { Kind = JournalKind.Log });
        _logs.Add(log);
    }

    public void AddRefund(ulong gas)
    {
        Record(new JournalEntry { Kind = JournalKind.Refund, Number = Refund });
        Refund += gas;
    }

    /// <exception cref="InvalidOperationException">More than the counter holds.</exception>
    public void SubtractRefund(ulong gas)
    {
        if (gas > Refund) throw new InvalidOperationException($"refund counter {Refund} cannot give back {gas}");
        Record(new JournalEntry { Kind = JournalKind.Refund, Number = Refund });
        Refund -= gas;
    }

    public bool WarmAddress(in Address a)
    {
        if (!_warmAddresses.Add(a)) return false;
        Record(new JournalEntry { Kind = JournalKind.WarmAddress, Key = new SlotKey(a, default) });
        return true;
    }

    public bool IsWarm(in Address a) => _warmAddresses.Contains(a);

    public bool WarmSlot(in Address a, in UInt256 slot)
    {
        var key = new SlotKey(a, slot);
        if (!_warmSlots.Add(key)) return false;
        Record(new JournalEntry { Kind = JournalKind.WarmSlot, Key = key });
        return true;
    }

    public bool IsSlotWarm(in Address a, in UInt256 slot) => _warmSlots.Contains(new SlotKey(a, slot));
}
