namespace QuorumMesh.State.KeyValue;

/// <summary>A frozen view: later writes are not seen. May be read from any thread.</summary>
public interface IKeyValueSnapshot : IKeyValueReader, IDisposable
{
}
