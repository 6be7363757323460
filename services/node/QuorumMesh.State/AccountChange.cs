using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>What a block makes of one account, with the old values beside the new: reverse diffs and caches are made from
/// it.</summary>
public sealed class AccountChange(Address address, Account? old, Account? @new)
{
    public Address Address { get; } = address;

    /// <summary>Null when the parent state lacks the account.</summary>
    public Account? Old { get; } = old;

    /// <summary>Null when the account is deleted. Its StorageRoot is the old one; the new one is computed when a layer is made.</summary>
    public Account? New { get; } = @new;

    /// <summary>All old storage goes first; <see cref="Storage"/> then starts from nothing.</summary>
    public bool StorageWiped { get; init; }

    /// <summary>Slots that differ from the parent's, by number. After a wipe those that are not zero then, with the values of
    /// before.</summary>
    public Dictionary<UInt256, (UInt256 Old, UInt256 New)> Storage { get; } = [];
}
