using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>
/// The head's tries as far as they are in memory. Nodes that the store does not hold yet stay; of the others those longest not
/// used go when the bound is reached.
/// </summary>
/// <param name="limit">In bytes, approximately.</param>
internal sealed class LiveTries(long limit)
{
    private readonly Dictionary<Address, TrieChild> _storage = [];
    private readonly HashSet<Address> _unsavedOwners = [];
    private readonly HashSet<TrieNodeKey> _vanished = [];
    private readonly HashSet<Address> _wiped = [];
    private long _bytes;
    private long _trimAt;

    public TrieChild Accounts { get; set; }

    /// <summary>Grows each time that memory is trimmed.</summary>
    public int Epoch { get; private set; } = 1;

    /// <summary>Flat keys changed since the nodes were stored last.</summary>
    public int UnsavedKeys { get; private set; }

    /// <summary>Approximate memory of the nodes.</summary>
    public long Bytes => _bytes;

    /// <param name="root">Of the account's storage.</param>
    public TrieChild Storage(in Address a, in Hash256 root) =>
        // The root decides: an entry that does not fit would give another block's nodes.
        _storage.TryGetValue(a, out var trie) && trie.RootHash == root ? trie : TrieChild.OfRoot(root);

    /// <summary>Makes a layer's tries the head's.</summary>
    /// <param name="isSaved">True when their nodes, and all earlier ones, are in the store now.</param>
    public void Take(LayerChanges changes, bool isSaved)
    {
        Accounts = changes.Tries.Accounts;
        // The old trie goes first; an account that is created anew in the same block brings its own.
        foreach (var owner in changes.Wiped)
            _storage.Remove(owner);
        foreach (var (owner, trie) in changes.Tries.Storage)
        {
            // An empty trie has no memory to be trimmed by: its entry would stay for ever.
            if (trie.IsEmpty) _storage.Remove(owner);
            else _storage[owner] = trie;
        }

        _bytes += changes.Tries.Bytes;
        if (isSaved) CountAnew();
        else NoteUnsaved(changes);
        if (_bytes > Math.Max(limit, _trimAt)) Trim();
    }

    /// <summary>What the store lacks.</summary>
    /// <param name="next">The layer on the head that is stored with it; null for the head alone.</param>
    /// <remarks>Places and nodes are gathered on the writer's thread. They never change afterwards, so encoding and writing can
    /// go on beside the next blocks.</remarks>
    public TrieSave Unsaved(ulong block, LayerChanges? next)
    {
        HashSet<Address> wiped = [.. _wiped, .. next?.Wiped ?? Enumerable.Empty<Address>()];
        var save = new TrieSave(block, wiped);
        foreach (var place in _vanished.Concat(next?.Tries.Vanished ?? []))
            save.NoteVanished(place, place.IsStorage ? After(next, place.Owner) : next?.Tries.Accounts ?? Accounts);
        save.NoteUnsaved(null, next?.Tries.Accounts ?? Accounts);
        foreach (var owner in _unsavedOwners.Union(next?.Tries.Storage.Keys ?? Enumerable.Empty<Address>()))
            save.NoteUnsaved(owner, After(next, owner));
        return save;
    }

    /// <summary>What is unsaved now is being saved.</summary>
    public void CountAnew()
    {
        UnsavedKeys = 0;
        _vanished.Clear();
        _wiped.Clear();
        _unsavedOwners.Clear();
    }

    private TrieChild After(LayerChanges? next, in Address owner)
    {
        if (next is not null)
        {
            if (next.Tries.Storage.TryGetValue(owner, out var changed)) return changed;
            if (next.Wiped.Contains(owner)) return default;
        }

        return _storage.GetValueOrDefault(owner);
    }

    private void NoteUnsaved(LayerChanges changes)
    {
        UnsavedKeys += changes.KeyCount;
        _vanished.UnionWith(changes.Tries.Vanished);
        _wiped.UnionWith(changes.Wiped);
        _unsavedOwners.UnionWith(changes.Tries.Storage.Keys);
    }

    /// <summary>
    /// Makes room to grow by an eighth of the bound: leaves go first, then what was not used since the last time, at last
    /// everything that the store holds. The count knows only of what comes, so it is taken anew.
    /// </summary>
    private void Trim()
    {
        foreach (var (from, leavesOnly) in ((int, bool)[])[(Epoch + 1, true), (Epoch, false), (Epoch + 1, false)])
        {
            _bytes = Keep(new TrieTrim(from, leavesOnly));
            if (_bytes <= limit / 8 * 7) break;
        }

        _trimAt = _bytes + limit / 8;
        Epoch++;
    }

    private long Keep(TrieTrim trim)
    {
        Accounts = trim.Keep(Accounts);
        foreach (var (owner, trie) in _storage)
        {
            var left = trim.Keep(trie);
            if (left.Node is null) _storage.Remove(owner);
            else _storage[owner] = left;
        }

        return trim.Kept;
    }
}
