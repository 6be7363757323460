using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>
/// Checks a whole stored state: every trie node from the root down, the flat table against the tries in both directions, code, reverse diffs and block records.
/// Reads only, and keeps no more in memory than one path.
/// </summary>
public sealed class StateVerifier : ITrieNodeSource
{
    private readonly IKeyValueReader _store;
    private readonly StateKeys _keys;
    private readonly string _id;
    private readonly List<string> _faults = [];
    private readonly int _limit;

    private StateVerifier(IKeyValueReader store, string id, int limit)
    {
        _store = store;
        _keys = new StateKeys(id);
        _id = id;
        _limit = limit;
    }

    /// <summary>What is broken, one sentence each; empty when all is well. Stops after <paramref name="limit"/> faults.</summary>
    public static IReadOnlyList<string> Verify(IKeyValueReader store, string id, int limit = 100)
    {
        var verifier = new StateVerifier(store, id, limit);
        verifier.Run();
        return verifier._faults;
    }

    byte[] ITrieNodeSource.LoadNode(in TrieNodeKey key, in Hash256 hash)
    {
        if (_store.Get(_keys.Node(key)) is not { } encoded) throw new StateCorruptException($"missing trie node: {key}");
        return Keccak.Hash(encoded) == hash ? encoded : throw new StateCorruptException($"damaged trie node: {key}");
    }

    private void Run()
    {
        StateHead? head = null;
        Guard("head", () => head = StateHead.Read(_store, _keys));
        Guard("number of the oldest block", () => StateHead.ReadOldest(_store, _keys));
        if (head is { } present)
        {
            CheckTrie(null, present.Root, _keys.AllAccountNodes, CheckAccounts(present.Root), "accounts");
            CheckSlotOwners();
        }

        CheckSeals(_keys.AllAccountDiffs, "reverse diff of an account");
        CheckSeals(_keys.AllStorageDiffs, "reverse diff of a slot");
        CheckSeals(_keys.AllBlocks, "block record");
    }

    /// <returns>How many accounts the flat table holds.</returns>
    private long CheckAccounts(Hash256 root)
    {
        long count = 0;
        foreach (var (key, stored) in _store.Scan(_keys.AllAccounts))
        {
            count++;
            if (Full) break;
            var address = _keys.AddressOf(key);
            Guard($"account {address}", () =>
            {
                if (SlimAccount.Decode(SealedValue.Open(key, stored)) is not { } account) throw new StateCorruptException("an empty row");
                Compare(new MerkleTrie(this, null, root).Get(Keccak.Hash(address.ToArray()).ToArray()), account.Encode());
                if (FlatState.Code(_store, account.CodeHash) is not { } code) throw new StateCorruptException($"code {account.CodeHash} is missing");
                if (Keccak.Hash(code) != account.CodeHash) throw new StateCorruptException($"code {account.CodeHash} is damaged");
                CheckTrie(address, account.StorageRoot, _keys.StorageNodes(address), CheckSlots(address, account.StorageRoot), "slots");
            });
        }

        return count;
    }

    private long CheckSlots(Address address, Hash256 root)
    {
        long count = 0;
        foreach (var (key, stored) in _store.Scan(_keys.Slots(address)))
        {
            count++;
            if (Full) break;
            var slot = _keys.SlotOf(key);
            Guard($"slot {slot.ToHexString()} of {address}", () =>
            {
                var value = UInt256.FromBigEndian(SealedValue.Open(key, stored));
                Compare(new MerkleTrie(this, address, root).Get(Keccak.Hash(slot.ToBigEndian()).ToArray()), StorageValue.Encode(value));
            });
        }

        return count;
    }

    /// <summary>Slots of accounts that are not there.</summary>
    private void CheckSlotOwners()
    {
        Address? last = null;
        foreach (var (key, _) in _store.Scan(_keys.AllSlots))
        {
            var address = _keys.AddressOf(key);
            if (address == last) continue;
            last = address;
            if (_store.Get(_keys.Account(address)) is null) Report($"account {address}", "it has stored slots and is not there");
        }
    }

    private static void Compare(byte[]? inTrie, byte[] inTable)
    {
        if (inTrie is null) throw new StateCorruptException("it is in the flat table and not in the trie");
        if (!inTrie.AsSpan().SequenceEqual(inTable)) throw new StateCorruptException("the flat table and the trie hold different values");
    }

    private void CheckTrie(Address? owner, Hash256 root, byte[] nodeRows, long expected, string what)
    {
        var (leaves, nodes) = (0L, 0L);
        if (root != Hash256.EmptyTrie) Walk(owner, new HashNode(root), default, ref leaves, ref nodes);
        if (Full) return;
        var trie = owner is { } address ? $"storage trie of {address}" : "account trie";
        if (leaves != expected) Report(trie, $"it holds {leaves} {what}, the flat table {expected}");
        long rows = _store.Scan(nodeRows).LongCount();
        if (rows != nodes) Report(trie, $"{rows} nodes are stored, {nodes} are reached from the root");
    }

    private void Walk(Address? owner, TrieNode node, NibblePath path, ref long leaves, ref long nodes)
    {
        if (Full) return;
        var current = node;
        if (node is HashNode)
        {
            TrieNode? loaded = null;
            var key = new TrieNodeKey(owner, path);
            Guard("trie", () => loaded = NodeDecoding.Node(((ITrieNodeSource)this).LoadNode(key, node.Hash), node.Hash));
            if (loaded is null) return;
            nodes++;
            current = loaded;
        }

        switch (current)
        {
            case LeafNode:
                leaves++;
                break;
            case ExtensionNode extension:
                Walk(owner, extension.Child, path.Append(extension.Nibbles), ref leaves, ref nodes);
                break;
            case BranchNode branch:
                for (var i = 0; i < 16; i++)
                    if (branch[i] is { } child)
                        Walk(owner, child, path.Append(i), ref leaves, ref nodes);
                break;
        }
    }

    private void CheckSeals(byte[] prefix, string what)
    {
        foreach (var (key, stored) in _store.Scan(prefix))
        {
            if (Full) return;
            Guard($"{what} {StateKeys.BlockOf(key)}", () => SealedValue.Open(key, stored));
        }
    }

    private bool Full => _faults.Count >= _limit;

    private void Guard(string what, Action check)
    {
        try
        {
            check();
        }
        catch (Exception e) when (e is StateCorruptException or RlpException)
        {
            Report(what, e.Message);
        }
    }

    private void Report(string what, string fault)
    {
        if (!Full) _faults.Add($"{_id} state, {what}: {fault}");
    }
}
