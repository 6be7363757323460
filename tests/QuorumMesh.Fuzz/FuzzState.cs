using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Fuzz;

/// <summary>The state before a run: a handful of accounts, the last of an address counts.</summary>
internal sealed class FuzzState : IStateReader
{
    private readonly Dictionary<Address, FuzzAccount> _accounts = [];

    public FuzzState(IReadOnlyList<FuzzAccount> accounts)
    {
        foreach (FuzzAccount account in accounts) _accounts[account.Address] = account;
    }

    public Account? GetAccount(in Address a) => _accounts.TryGetValue(a, out FuzzAccount? account) ? account.State : null;

    public UInt256 GetStorage(in Address a, in UInt256 slot) =>
        _accounts.TryGetValue(a, out FuzzAccount? account) ? account.Storage.GetValueOrDefault(slot) : default;

    public byte[]? GetCode(in Hash256 codeHash)
    {
        foreach (FuzzAccount account in _accounts.Values)
            if (account.CodeHash == codeHash)
                return account.Code;
        return null;
    }
}
