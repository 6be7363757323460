using QuorumMesh.Primitives;

namespace QuorumMesh.State;

public sealed class AccountChange(Address address, Account? old, Account? @new)
{
    public Address Address { get; } = address;

    /// <summary>Null when the parent state lacks the account.</summary>
    public Account? Old { get; } = old;

    /// <summary>Null when the account is deleted. Its StorageRoot is the old one; the new one is computed when a layer is made.</summary>
    public Account? New { get; } = @new;

    /// <summary>All old storage goes first; <see cref="Storage"/> then starts from nothing.</summary>
    public bool StorageWiped { get; init; }

    public Dictionary<UInt256, (UInt256 Old, UInt256 New)> Storage { get; } = [];
}
