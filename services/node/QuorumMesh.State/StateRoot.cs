using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State;

/// <summary>State roots of states held whole in memory: genesis allocations and state tests.</summary>
public static class StateRoot
{
    /// <summary>Root over the accounts alone, keys hashed with Keccak-256 (Yellow Paper, section 4.1).</summary>
    public static Hash256 Compute(IEnumerable<GenesisAccount> accounts)
    {
        var items = new List<KeyValuePair<byte[], byte[]>>();
        foreach (var account in accounts)
        {
            var state = new Account(
                account.Nonce,
                account.Balance,
                OfStorage(account.Storage),
                account.Code.Length == 0 ? Hash256.EmptyCode : Keccak.Hash(account.Code));
            items.Add(new(account.Address.ToArray(), state.Encode()));
        }

        return TrieRoot.OfSecure(items);
    }

    /// <summary>The root of the new values alone: the set must be against an empty parent.</summary>
    public static Hash256 Compute(StateChangeSet changes)
    {
        var items = new List<KeyValuePair<byte[], byte[]>>();
        foreach (var (address, change) in changes.Accounts)
        {
            if (change.New is not { } account) continue;
            var storageRoot = OfStorage(change.Storage.Select(s => new KeyValuePair<UInt256, UInt256>(s.Key, s.Value.New)));
            items.Add(new(address.ToArray(), (account with { StorageRoot = storageRoot }).Encode()));
        }

        return TrieRoot.OfSecure(items);
    }

    /// <summary>Root of a storage trie; zero values are absent.</summary>
    public static Hash256 OfStorage(IEnumerable<KeyValuePair<UInt256, UInt256>> storage)
    {
        var items = new List<KeyValuePair<byte[], byte[]>>();
        foreach (var (slot, value) in storage)
        {
            if (!value.IsZero) items.Add(new(slot.ToBigEndian(), StorageValue.Encode(value)));
        }

        return TrieRoot.OfSecure(items);
    }
}
