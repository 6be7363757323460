namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>The directory that a raft log lives in. A seam: the simulation puts a disk below it that tears writes and crashes.</summary>
public interface IRaftDisk
{
    IReadOnlyList<string> List();

    byte[] ReadAll(string name);

    /// <summary>Opens for appending; creates the file when it is absent.</summary>
    IRaftFile Open(string name);

    /// <summary>Replaces the target atomically.</summary>
    void Rename(string from, string to);

    void Delete(string name);

    /// <summary>Makes creations, renames and deletions durable.</summary>
    void SyncDirectory();
}

public interface IRaftFile : IDisposable
{
    /// <summary>Appends at the end.</summary>
    void Write(ReadOnlySpan<byte> data);

    void Truncate(long length);

    /// <summary>Returns when everything written is on stable storage.</summary>
    void Sync();
}
