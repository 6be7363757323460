using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>A storage slot in its three ages.</summary>
internal struct SlotEntry
{
    /// <summary>The parent state's value; zero when the account's old storage is wiped.</summary>
    public UInt256 Origin;

    /// <summary>At the start of the transaction.</summary>
    public UInt256 Committed;

    public UInt256 Current;
}
