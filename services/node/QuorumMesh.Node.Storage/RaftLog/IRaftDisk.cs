namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>The directory that a raft log lives in. A seam: the simulation puts a disk below it that tears writes and crashes.</summary>
public interface IRaftDisk
{
    /// <summary>Names of the files, in order.</summary>
    IReadOnlyList<string> List();

    /// <summary>A whole file.</summary>
    byte[] ReadAll(string name);

    /// <summary>Opens for appending; creates the file when it is absent.</summary>
    IRaftFile Open(string name);

    /// <summary>Replaces the target atomically.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; durable after <see cref="SyncDirectory"/>.</summary>
    void Delete(string name);

    /// <summary>Makes creations, renames and deletions durable.</summary>
    void SyncDirectory();
}

/// <summary>A file that is only ever appended to, but for cutting its end.</summary>
public interface IRaftFile : IDisposable
{
    /// <summary>Appends at the end.</summary>
    void Write(ReadOnlySpan<byte> data);

    /// <summary>Cuts the end off; writing goes on there.</summary>
    void Truncate(long length);

    /// <summary>Returns when everything written is on stable storage.</summary>
    void Sync();
}
