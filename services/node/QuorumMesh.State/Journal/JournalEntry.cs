using QuorumMesh.Primitives;

namespace QuorumMesh.State.Journal;

internal enum JournalKind : byte
{
    AccountCreated,
    AccountReset,
    AccountRestored,
    Touched,
    Balance,
    Nonce,
    Code,
    Privacy,
    Storage,
    SelfDestruct,
    Transient,
    WarmAddress,
    WarmSlot,
    CreatedMark,
    Refund,
    Log,
}

/// <summary>
/// How to undo one change, in 56 bytes: every storage write makes one. Which fields matter depends on the kind. What is larger
/// and rare (code, transient storage) lies on a side list whose last item belongs to the last such entry.
/// </summary>
internal struct JournalEntry
{
    public JournalKind Kind;
    public bool Flag;

    /// <summary>Of the slot in the account's <see cref="SlotTable"/>.</summary>
    public int SlotIndex;
    public AccountEntry? Account;
    public ulong Number;
    public UInt256 Value;

    /// <summary>The end of a transaction looks at these accounts: they may have become empty or have gone.</summary>
    public readonly bool ChangesAccount =>
        Account is not null && Kind is not (JournalKind.AccountRestored or JournalKind.WarmAddress or JournalKind.WarmSlot
        or JournalKind.CreatedMark);
}
