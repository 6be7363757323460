using Microsoft.Win32.SafeHandles;
using QuorumMesh.Files;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>A directory on a local file system, held by one process at a time.</summary>
public sealed class FileRaftDisk : IRaftDisk, IDisposable
{
    private const string LockName = "lock";
    private const string OwnerName = "owner";
    private readonly string _directory;
    private readonly FileStream _lock;

    /// <exception cref="IOException">Another process holds the directory, or it cannot be written.</exception>
    public FileRaftDisk(string directory)
    {
        _directory = Directory.CreateDirectory(directory).FullName;
        try
        {
            _lock = new FileStream(PathOf(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException($"raft log directory {_directory} is in use by another process: stop it, or give this node its own data "
                + "directory", e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List() =>
    [
        .. Directory.EnumerateFiles(_directory).Select(f => System.IO.Path.GetFileName(f))
            .Where(n => n is not (LockName or OwnerName)).Order(StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public byte[] ReadAll(string name) => File.ReadAllBytes(PathOf(name));

    /// <inheritdoc/>
    public IRaftFile Open(string name) => new DiskFile(PathOf(name));

    /// <inheritdoc/>
    public void Rename(string from, string to) => File.Move(PathOf(from), PathOf(to), overwrite: true);

    /// <inheritdoc/>
    public void Delete(string name) => File.Delete(PathOf(name));

    /// <inheritdoc/>
    public void SyncDirectory() => DurableFile.SyncDirectory(_directory);

    /// <summary>The directory, as an absolute path.</summary>
    public string Path => _directory;

    /// <summary>Whose log is in the directory, as its owner has put it; null where none has yet.</summary>
    public byte[]? ReadOwner() => File.Exists(PathOf(OwnerName)) ? File.ReadAllBytes(PathOf(OwnerName)) : null;

    /// <summary>Says whose log is in the directory, for good.</summary>
    public void WriteOwner(ReadOnlySpan<byte> owner) => DurableFile.WriteNew(PathOf(OwnerName), owner, DurableFile.OwnerOnly);

    public void Dispose() => _lock.Dispose();

    private string PathOf(string name) => System.IO.Path.Combine(_directory, name);

    private sealed class DiskFile : IRaftFile
    {
        private readonly SafeFileHandle _handle;
        private long _length;

        public DiskFile(string path)
        {
            _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            _length = RandomAccess.GetLength(_handle);
        }

        public void Write(ReadOnlySpan<byte> data)
        {
            RandomAccess.Write(_handle, data, _length);
            _length += data.Length;
        }

        public void Truncate(long length)
        {
            RandomAccess.SetLength(_handle, length);
            _length = length;
        }

        // fsync, or FlushFileBuffers: what is written alone is in the system's memory and is lost with the power.
        public void Sync() => RandomAccess.FlushToDisk(_handle);

        public void Dispose() => _handle.Dispose();
    }
}
