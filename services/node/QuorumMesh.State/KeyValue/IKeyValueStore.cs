namespace QuorumMesh.State.KeyValue;

public interface IKeyValueStore : IKeyValueReader, IDisposable
{
    IKeyValueSnapshot Snapshot();

    /// <summary>Applies the whole batch, in order, or nothing of it; from any thread, one batch after the other. With <paramref name="sync"/> it is on disk when this returns.</summary>
    void Write(KeyValueBatch batch, bool sync);
}
