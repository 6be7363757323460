using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>One state at one block.</summary>
public interface IStateReader
{
    /// <returns>Null when the account is absent.</returns>
    Account? GetAccount(in Address a);

    /// <returns>Zero when the slot or the account is absent.</returns>
    UInt256 GetStorage(in Address a, in UInt256 slot);

    /// <returns>Null when no code of this hash is stored.</returns>
    byte[]? GetCode(in Hash256 codeHash);
}
