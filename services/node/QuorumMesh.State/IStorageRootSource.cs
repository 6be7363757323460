using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>A state over which the storage root of one account after further changes can be computed without storing anything.</summary>
public interface IStorageRootSource
{
    /// <param name="change">Against this very state; without slots when the account's storage is as it was.</param>
    Hash256 StorageRootAfter(AccountChange change);
}
