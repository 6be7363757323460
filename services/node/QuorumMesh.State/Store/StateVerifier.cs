using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>
/// Checks a whole stored state: every trie node from the root down, the flat table against the tries in both directions, code,
/// reverse diffs and block records. Reads only, and keeps no more in memory than one path.
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
        return NodeRow.Fits(encoded, hash) ? encoded : throw new StateCorruptException($"damaged trie node: {key}");
    }

    private void Run()
    {
        StateHead? head = null;
        Guard("head", () => head = StateHead.Read(_store, _keys));
        Guard("number of the oldest block", () => StateHead.ReadOldest(_store, _keys));
        if (head is { } present)
        {
            Guard("way from the stored trie nodes to the head", () => _ = new StateStore(new FrozenStore(_store), _id));
            Guard("block of the trie nodes", () => CheckTries(present));
            CheckSlotOwners();
        }

        CheckSeals(_keys.AllAccountDiffs, "reverse diff of an account");
        CheckSeals(_keys.AllStorageDiffs, "reverse diff of a slot");
        CheckSeals(_keys.AllBlocks, "block record");
    }

    /// <summary>
    /// The nodes stored may be of a block some way below the head: the values they are compared with are those of that block.
    /// </summary>
    private void CheckTries(StateHead head)
    {
        var block = StateHead.ReadTrieBlock(_store, _keys, head.Block);
        if (block == head.Block)
        {
            CheckTrie(null, head.Root, _keys.AllAccountNodes, CheckAccounts(head.Root, block, []), "accounts");
            return;
        }

        var record = BlockRecord.Read(_store, _keys, block) ?? throw new StateCorruptException($"the record of block {block} is missing");
        HashSet<Address> gone = [];
        for (var above = block + 1; above <= head.Block; above++)
        {
            var changed = BlockRecord.Read(_store, _keys, above)
                ?? throw new StateCorruptException($"the record of block {above} is missing");
            gone.UnionWith(changed.Accounts.Where(a => _store.Get(_keys.Account(a)) is null));
        }

        CheckTrie(null, record.Root, _keys.AllAccountNodes, CheckAccounts(record.Root, block, gone), "accounts");
    }

    /// <param name="gone">Accounts that the flat table no longer holds.</param>
    /// <returns>How many accounts there were after the block.</returns>
    private long CheckAccounts(Hash256 root, ulong block, IEnumerable<Address> gone)
    {
        var then = new HistoricalState(_store, _keys, block);
        long count = 0;
        foreach (var (key, stored) in _store.Scan(_keys.AllAccounts))
        {
            if (Full) break;
            var address = _keys.AddressOf(key);
            Guard($"account {address}", () =>
            {
                if (SlimAccount.Decode(SealedValue.Open(key, stored)) is not { } account) throw new StateCorruptException("an empty row");
                if (FlatState.Code(_store, account.CodeHash) is not { } code)
                    throw new StateCorruptException($"code {account.CodeHash} is missing");
                if (Keccak.Hash(code) != account.CodeHash) throw new StateCorruptException($"code {account.CodeHash} is damaged");
                count += CheckAccount(root, then, address);
            });
        }

        foreach (var address in gone)
            Guard($"account {address}", () => count += CheckAccount(root, then, address));
        return count;
    }

    /// <returns>1, or 0 when the account was not there.</returns>
    private int CheckAccount(Hash256 root, HistoricalState then, Address address)
    {
        if (then.GetAccount(address) is not { } account) return 0;
        Compare(new MerkleTrie(this, null, TrieChild.OfRoot(root)).Get(Keccak.Hash(address.ToArray()).Bytes), account.Encode());
        CheckTrie(address, account.StorageRoot, _keys.StorageNodes(address), CheckSlots(address, account.StorageRoot, then), "slots");
        return 1;
    }

    private long CheckSlots(Address address, Hash256 root, HistoricalState then)
    {
        long count = 0;
        foreach (var (key, stored) in _store.Scan(_keys.Slots(address)))
        {
            Guard($"slot {_keys.SlotOf(key).ToHexString()} of {address}", () => SealedValue.Open(key, stored));
            Check(_keys.SlotOf(key));
        }

        // What the flat table no longer holds.
        UInt256? last = null;
        foreach (var (key, _) in _store.Scan(_keys.AllSlotDiffs(address)))
        {
            var slot = _keys.SlotOf(key);
            if (slot == last || StateKeys.BlockOf(key) <= then.Block) continue;
            last = slot;
            if (_store.Get(_keys.Slot(address, slot)) is null) Check(slot);
        }

        return count;

        void Check(UInt256 slot) => Guard($"slot {slot.ToHexString()} of {address}", () =>
        {
            if (Full || then.GetStorage(address, slot) is not { IsZero: false } value) return;
            count++;
            Compare(new MerkleTrie(this, address, TrieChild.OfRoot(root)).Get(Keccak.Hash(slot.ToBigEndian()).Bytes),
                StorageValue.Encode(value));
        });
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
        Walk(owner, TrieChild.OfRoot(root), default, ref leaves, ref nodes);
        if (Full) return;
        var trie = owner is { } address ? $"storage trie of {address}" : "account trie";
        if (leaves != expected) Report(trie, $"it holds {leaves} {what}, the flat table {expected}");
        long rows = _store.Scan(nodeRows).LongCount();
        if (rows != nodes) Report(trie, $"{rows} nodes are stored, {nodes} are reached from the root");
    }

    private void Walk(Address? owner, TrieChild child, NibblePath path, ref long leaves, ref long nodes)
    {
        if (Full || child.IsEmpty) return;
        var node = child.Node;
        if (node is null)
        {
            Guard("trie", () => node = TrieLoading.Load(this, owner, child.Hash, path));
            if (node is null) return;
            nodes++;
        }

        switch (node)
        {
            case LeafNode:
                leaves++;
                break;
            case ExtensionNode extension:
                Walk(owner, extension.Child, extension.End, ref leaves, ref nodes);
                break;
            case BranchNode branch:
                WalkChildren(owner, branch, path, ref leaves, ref nodes);
                break;
        }
    }

    private void WalkChildren(Address? owner, BranchNode branch, NibblePath path, ref long leaves, ref long nodes)
    {
        for (var i = 0; i < 16; i++)
        {
            var (leavesBefore, nodesBefore) = (leaves, nodes);
            Walk(owner, branch[i], path.Append(i), ref leaves, ref nodes);
            if (branch.IsDroppedLeaf(i) && !Full && (leaves - leavesBefore, nodes - nodesBefore) != (1, 1))
                Report("trie", $"the node at '{path}' has child {i:x} for a leaf, which it is not");
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
