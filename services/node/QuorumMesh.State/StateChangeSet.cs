using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Net changes of a block (or transaction) against its parent state, with the old values.</summary>
public sealed class StateChangeSet
{
    private readonly Dictionary<Address, AccountChange> _accounts = [];

    /// <summary>One change for each account that differs from the parent's, in no order.</summary>
    public IReadOnlyDictionary<Address, AccountChange> Accounts => _accounts;

    /// <summary>Code first used in this set, by its Keccak-256 hash.</summary>
    public Dictionary<Hash256, byte[]> Code { get; } = [];

    /// <summary>True when the block leaves the state, and so its root, as it was.</summary>
    public bool IsEmpty => _accounts.Count == 0;

    /// <exception cref="ArgumentException">The address has a change already.</exception>
    public void Add(AccountChange change) => _accounts.Add(change.Address, change);
}
