namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>The store cannot be opened, read or written.</summary>
public class StoreException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>Another process (or another store object of this one) has the store open.</summary>
public sealed class StoreLockedException(string path, Exception? inner = null)
    : StoreException($"{path} is in use by another process; stop it or choose another --datadir", inner);
