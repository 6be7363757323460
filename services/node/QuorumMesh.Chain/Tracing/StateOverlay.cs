using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tracing;

/// <summary>
/// A state with the changes of some transactions on top, for re-execution. There is no trie: a storage root says only whether
/// there is storage.
/// </summary>
public sealed class StateOverlay(IStateReader parent) : IStateReader, IStorageRootSource
{
    private static readonly Hash256 _someStorage = Keccak.Hash("storage without a trie"u8);

    private readonly Dictionary<Address, Account?> _accounts = [];
    private readonly Dictionary<Address, Dictionary<UInt256, UInt256>> _slots = [];
    private readonly HashSet<Address> _wiped = [];
    private readonly Dictionary<Hash256, byte[]> _code = [];

    /// <inheritdoc/>
    public Account? GetAccount(in Address a) => _accounts.TryGetValue(a, out var account) ? account : parent.GetAccount(a);

    /// <inheritdoc/>
    public UInt256 GetStorage(in Address a, in UInt256 slot)
    {
        if (_slots.TryGetValue(a, out var slots) && slots.TryGetValue(slot, out var value)) return value;
        return _wiped.Contains(a) ? UInt256.Zero : parent.GetStorage(a, slot);
    }

    /// <inheritdoc/>
    public byte[]? GetCode(in Hash256 codeHash) => _code.TryGetValue(codeHash, out var code) ? code : parent.GetCode(codeHash);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The account has storage below, and the parent gives no storage roots.</exception>
    public Hash256 StorageRootAfter(AccountChange change)
    {
        var address = change.Address;
        var slots = change.StorageWiped ? [] : new Dictionary<UInt256, UInt256>(ChangedSlots(address));
        foreach (var (slot, (_, value)) in change.Storage) slots[slot] = value;
        var below = parent.GetAccount(address);
        if (change.StorageWiped || _wiped.Contains(address) || below is not { HasStorage: true }) return StateRoot.OfStorage(slots);
        if (parent is not IStorageRootSource source)
            throw new InvalidOperationException($"no storage root over a {parent.GetType().Name}");
        var whole = new AccountChange(address, below, change.New);
        foreach (var (slot, value) in slots)
            if (parent.GetStorage(address, slot) is var old && old != value) whole.Storage[slot] = (old, value);
        return source.StorageRootAfter(whole);
    }

    /// <summary>Nothing of the parent's storage of this account is left.</summary>
    public bool IsWiped(in Address a) => _wiped.Contains(a);

    /// <summary>The slots that were changed, by their new values, zeros included.</summary>
    public IReadOnlyDictionary<UInt256, UInt256> ChangedSlots(in Address a) => _slots.GetValueOrDefault(a) ?? [];

    /// <param name="changes">Against this very state.</param>
    public void Apply(StateChangeSet changes)
    {
        foreach (var (hash, code) in changes.Code) _code[hash] = code;
        foreach (var (address, change) in changes.Accounts)
        {
            var wiped = change.New is null || change.StorageWiped;
            if (wiped)
            {
                _wiped.Add(address);
                _slots.Remove(address);
            }
            if (change.Storage.Count > 0 && !_slots.ContainsKey(address)) _slots[address] = [];
            foreach (var (slot, (_, value)) in change.Storage) _slots[address][slot] = value;
            _accounts[address] = change.New is { } account
                ? account with { StorageRoot = RootMark(address, account.StorageRoot, wiped) } : null;
        }
    }

    /// <summary>Gives an account, which is made when it is not there, these slots and no other.</summary>
    public void ReplaceStorage(in Address a, IReadOnlyDictionary<UInt256, UInt256> slots)
    {
        var account = GetAccount(a) ?? Account.Empty;
        _wiped.Add(a);
        _slots[a] = new Dictionary<UInt256, UInt256>(slots);
        _accounts[a] = account with { StorageRoot = RootMark(a, account.StorageRoot, wiped: true) };
    }

    private Hash256 RootMark(in Address address, in Hash256 root, bool wiped)
    {
        var kept = wiped ? Hash256.EmptyTrie : root;
        return kept == Hash256.EmptyTrie && _slots.TryGetValue(address, out var slots) && slots.Values.Any(v => !v.IsZero)
            ? _someStorage : kept;
    }
}
