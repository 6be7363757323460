using QuorumMesh.Primitives;

namespace QuorumMesh.State.Journal;

/// <summary>A storage slot in its three ages.</summary>
internal struct SlotEntry
{
    public UInt256 Slot;

    /// <summary>The parent state's value; zero when the account's old storage is wiped.</summary>
    public UInt256 Origin;

    /// <summary>At the start of the transaction.</summary>
    /// <remarks>EIP-1283 and EIP-2200 price a write by all three ages, so each is kept.</remarks>
    public UInt256 Committed;

    public UInt256 Current;

    /// <summary>The transaction that has it in its access list (EIP-2929), by number.</summary>
    public int WarmIn;

    /// <summary>The three values are there. An access list names slots that nobody may ever read.</summary>
    public bool IsLoaded;
}
