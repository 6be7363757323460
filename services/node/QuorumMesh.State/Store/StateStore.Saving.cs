using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

public sealed partial class StateStore
{
    private (TrieSave Save, RunningWork Work)? _saving;

    /// <summary>
    /// Returns when trie nodes that are being stored beside the blocks are in the store. For the writer, before the store is
    /// closed.
    /// </summary>
    public void Settle()
    {
        if (_saving is not var (save, work)) return;
        work.Wait();
        NoteSaved(save);
        _saving = null;
    }

    private bool IsOverBounds(ulong block, int unsavedKeys) =>
        block - (_saving?.Save.Block ?? _trieBlock) > _options.UnsavedBlocks || unsavedKeys > _options.UnsavedKeys;

    /// <summary>True when a block's own batch is to hold the trie nodes.</summary>
    private bool IsSavedWith(ulong block, LayerChanges changes) =>
        // The first block always: opening goes on from stored nodes, and before it there are none.
        !IsInitialised || (_options.StartWork is null && (_saveNext || IsOverBounds(block, _tries.UnsavedKeys + changes.KeyCount)));

    private TrieSave SaveWith(ulong block, LayerChanges changes, KeyValueBatch batch)
    {
        var save = _tries.Unsaved(block, changes);
        save.Put(_store, _keys, batch);
        return save;
    }

    /// <summary>
    /// Begins to store the trie nodes of the head when that is due. Its own batch may come after those of later blocks: until it
    /// is written, the nodes of the block before lead to the head. Waits only when so much has changed since the last time began
    /// that it would be due again.
    /// </summary>
    private void SaveBeside()
    {
        if (_options.StartWork is not { } start) return;
        var isOver = IsOverBounds(Head.Block, _tries.UnsavedKeys);
        // One save at a time: a second one would be built on nodes that may not be there.
        if (_saving is { Work: var work } && (isOver || work.IsDone())) Settle();
        if (_saving is not null || !(_saveNext || isOver)) return;
        var save = _tries.Unsaved(Head.Block, next: null);
        _tries.CountAnew();
        _saving = (save, start(() => WriteBeside(save)));
    }

    // This batch follows that of its own block and may follow those of later ones. So the store never holds trie nodes above its
    // head, and a crash that loses it leaves the older nodes with the older number: opening goes on from those. Nodes and number
    // are in one batch.
    private void WriteBeside(TrieSave save)
    {
        var batch = new KeyValueBatch();
        save.Put(_store, _keys, batch);
        _store.Write(batch, sync: false);
    }

    private void NoteSaved(TrieSave save)
    {
        // Only now may memory let these nodes go.
        save.MarkStored();
        (_trieBlock, _saveNext) = (save.Block, false);
    }
}
