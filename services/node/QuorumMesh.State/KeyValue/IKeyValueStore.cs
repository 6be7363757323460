namespace QuorumMesh.State.KeyValue;

/// <summary>The ordered store of a node. Batches take effect in the order in which they are written: after a crash a prefix of
/// them is there, never a later one without an earlier one. The order of heads, trie nodes and marks rests on that.</summary>
public interface IKeyValueStore : IKeyValueReader, IDisposable
{
    /// <summary>The store as it is now; to be disposed of, for it holds back the store's clean-up.</summary>
    IKeyValueSnapshot Snapshot();

    /// <summary>
    /// Applies the whole batch, in order, or nothing of it; from any thread, one batch after the other. With
    /// <paramref name="sync"/> it is on disk when this returns.
    /// </summary>
    void Write(KeyValueBatch batch, bool sync);

    /// <summary>
    /// Everything written before the call is on disk when this returns; from any thread. Writes go on meanwhile, and may be on disk or not.
    /// </summary>
    void Sync();
}
