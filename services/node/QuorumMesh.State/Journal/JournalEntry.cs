using QuorumMesh.Primitives;

namespace QuorumMesh.State;

internal enum JournalKind : byte
{
    AccountCreated,
    AccountReset,
    Touched,
    Balance,
    Nonce,
    Code,
    Storage,
    SelfDestruct,
    Transient,
    WarmAddress,
    WarmSlot,
    CreatedMark,
    Refund,
    Log,
}

/// <summary>How to undo one change. Which fields matter depends on the kind.</summary>
internal struct JournalEntry
{
    public JournalKind Kind;
    public bool Flag;
    public ulong Number;
    public AccountEntry? Account;
    public object? Reference;
    public Hash256 Hash;
    public SlotKey Key;
    public UInt256 Value;
}
