using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>What one unflushed layer changes: values, and the trie nodes that follow from them.</summary>
internal sealed class LayerChanges
{
    private LayerChanges(StateChangeSet source) => Source = source;

    public StateChangeSet Source { get; }

    public Hash256 Root { get; private set; }

    /// <summary>New accounts with their storage roots; null = deleted.</summary>
    public Dictionary<Address, Account?> Accounts { get; } = [];

    public Dictionary<SlotKey, UInt256> Slots { get; } = [];

    /// <summary>Accounts whose earlier storage, values and nodes, is gone.</summary>
    public HashSet<Address> Wiped { get; } = [];

    public Dictionary<TrieNodeKey, StoredNode> Nodes { get; } = [];

    public static LayerChanges Compute(StateLayer parent, StateChangeSet source, bool keepNodes)
    {
        var result = new LayerChanges(source);
        var nodes = keepNodes ? result.Nodes : null;
        var leaves = new List<(Hash256 Key, Address Address)>(source.Accounts.Count);
        foreach (var (address, change) in source.Accounts)
        {
            result.Accounts.Add(address, result.WithStorageRoot(parent, change, nodes));
            leaves.Add((HashOf(address), address));
        }

        leaves.Sort(static (a, b) => a.Key.CompareTo(b.Key));
        result.Root = result.AccountRoot(parent, leaves, nodes);
        return result;
    }

    private Hash256 AccountRoot(StateLayer parent, List<(Hash256 Key, Address Address)> leaves, Dictionary<TrieNodeKey, StoredNode>? nodes)
    {
        if (leaves.Count == 0) return parent.Root;
        var trie = new MerkleTrie(parent, null, parent.Root);
        Span<byte> key = stackalloc byte[Hash256.Size];
        var writer = new RlpWriter();
        foreach (var (hash, address) in leaves)
        {
            hash.CopyTo(key);
            if (Accounts[address] is { } account)
            {
                writer.Clear();
                account.Write(writer);
                trie.Set(key, writer.ToArray());
            }
            else
            {
                trie.Delete(key);
            }
        }

        return trie.Commit(nodes);
    }

    private Account? WithStorageRoot(StateLayer parent, AccountChange change, Dictionary<TrieNodeKey, StoredNode>? nodes)
    {
        if (change.StorageWiped) Wiped.Add(change.Address);
        foreach (var (slot, (_, value)) in change.Storage)
            Slots[new SlotKey(change.Address, slot)] = value;
        if (change.New is not { } account) return null;

        var root = change.StorageWiped ? Hash256.EmptyTrie : change.Old?.StorageRoot ?? Hash256.EmptyTrie;
        if (change.Storage.Count > 0) root = StorageRoot(parent, change, root, nodes);
        return account with { StorageRoot = root };
    }

    private static Hash256 StorageRoot(StateLayer parent, AccountChange change, in Hash256 oldRoot, Dictionary<TrieNodeKey, StoredNode>? nodes)
    {
        var leaves = new List<(Hash256 Key, UInt256 Value)>(change.Storage.Count);
        Span<byte> word = stackalloc byte[32];
        foreach (var (slot, (_, value)) in change.Storage)
        {
            slot.WriteBigEndian(word);
            leaves.Add((Keccak.Hash(word), value));
        }

        leaves.Sort(static (a, b) => a.Key.CompareTo(b.Key));
        var trie = new MerkleTrie(parent, change.Address, oldRoot);
        foreach (var (hash, value) in leaves)
        {
            hash.CopyTo(word);
            if (value.IsZero) trie.Delete(word);
            else trie.Set(word, StorageValue.Encode(value));
        }

        return trie.Commit(nodes);
    }

    private static Hash256 HashOf(in Address address)
    {
        Span<byte> bytes = stackalloc byte[Address.Size];
        address.CopyTo(bytes);
        return Keccak.Hash(bytes);
    }
}
