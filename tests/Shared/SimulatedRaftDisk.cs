using QuorumMesh.Node.Storage.RaftLog;

namespace QuorumMesh.Tests.Shared;

/// <summary>The machine lost power in the middle of a disk operation.</summary>
public sealed class SimulatedPowerLossException() : IOException("simulated power loss");

/// <summary>A disk in memory with fsync semantics: what was not flushed survives a crash in part, torn or not at all.</summary>
public sealed class SimulatedRaftDisk : IRaftDisk
{
    private readonly List<Action<Dictionary<string, Content>>> _journal = []; // directory changes since the last directory flush
    private Dictionary<string, Content> _files = [];
    private readonly Dictionary<string, Content> _durable = [];
    private Random? _faults;
    private int _operationsLeft = int.MaxValue;

    public int Syncs { get; private set; }

    /// <summary>Writes into files.</summary>
    public int Writes { get; private set; }

    /// <summary>The n-th disk operation from now fails half done, and all later ones fail.</summary>
    public void LosePowerAfter(int operations, Random random) => (_operationsLeft, _faults) = (operations, random);

    /// <summary>
    /// The process ends, the machine goes on: what was written is there for the next process, flushed or not, and may be lost
    /// with the power later.
    /// </summary>
    public void Kill() => (_operationsLeft, _faults) = (int.MaxValue, null);

    /// <summary>Leaves what a machine would find after losing power now.</summary>
    public void Crash(Random random)
    {
        var kept = random.Next(_journal.Count + 1);
        for (var i = 0; i < kept; i++) _journal[i](_durable);
        _journal.Clear();
        foreach (var content in _durable.Values) content.Crash(random);
        _files = new Dictionary<string, Content>(_durable);
        (_operationsLeft, _faults) = (int.MaxValue, null);
    }

    public IReadOnlyList<string> List() => [.. _files.Keys.Order(StringComparer.Ordinal)];

    public byte[] ReadAll(string name) => [.. _files[name].Bytes];

    /// <summary>Replaces a file's bytes, as damage does.</summary>
    public void Overwrite(string name, byte[] bytes)
    {
        _files[name] = new Content(bytes);
        _durable[name] = _files[name];
    }

    public IRaftFile Open(string name)
    {
        if (!_files.TryGetValue(name, out var content))
        {
            Count();
            content = new Content([]);
            Change(files => files[name] = content);
        }
        return new FileHandle(this, content);
    }

    public void Rename(string from, string to)
    {
        Count();
        var content = _files[from];
        Change(files =>
        {
            files.Remove(from);
            files[to] = content;
        });
    }

    public void Delete(string name)
    {
        Count();
        Change(files => files.Remove(name));
    }

    public void SyncDirectory()
    {
        Count();
        Syncs++;
        foreach (var change in _journal) change(_durable);
        _journal.Clear();
    }

    private void Change(Action<Dictionary<string, Content>> change)
    {
        change(_files);
        _journal.Add(change);
    }

    private void Count()
    {
        if (_operationsLeft <= 0) throw new SimulatedPowerLossException();
        if (--_operationsLeft == 0) throw new SimulatedPowerLossException();
    }

    private sealed class Content(byte[] bytes)
    {
        private int _synced = bytes.Length;
        private byte[]? _beforeTruncate;

        public List<byte> Bytes { get; } = [.. bytes];

        public void Truncate(int length)
        {
            if (length >= Bytes.Count) return;
            _beforeTruncate ??= [.. Bytes.Take(_synced)];
            Bytes.RemoveRange(length, Bytes.Count - length);
            _synced = Math.Min(_synced, length);
        }

        public void Sync()
        {
            _synced = Bytes.Count;
            _beforeTruncate = null;
        }

        public void Crash(Random random)
        {
            if (_beforeTruncate is not null && random.Next(2) == 0)
            {
                Bytes.Clear();
                Bytes.AddRange(_beforeTruncate);
                Sync();
                return;
            }
            var pending = Bytes.Count - _synced;
            if (pending == 0) return;
            var written = random.Next(pending + 1);
            var torn = random.Next(4);
            if (torn == 0) // the length grew, the bytes did not come
                for (var i = _synced + written; i < Bytes.Count; i++) Bytes[i] = 0;
            else if (torn == 1)
                for (var i = _synced + written; i < Bytes.Count; i++) Bytes[i] = (byte)random.Next(256);
            else if (torn == 2) // a later page came, an earlier one did not
                for (var i = _synced; i < _synced + written; i++) Bytes[i] = 0;
            else
                Bytes.RemoveRange(_synced + written, pending - written);
            Sync();
        }
    }

    private sealed class FileHandle(SimulatedRaftDisk disk, Content content) : IRaftFile
    {
        public void Write(ReadOnlySpan<byte> data)
        {
            try
            {
                disk.Count();
            }
            catch (SimulatedPowerLossException)
            {
                content.Bytes.AddRange(data[..(disk._faults?.Next(data.Length + 1) ?? 0)]);
                throw;
            }
            content.Bytes.AddRange(data);
            disk.Writes++;
        }

        public void Truncate(long length)
        {
            disk.Count();
            content.Truncate((int)length);
        }

        public void Sync()
        {
            disk.Count();
            disk.Syncs++;
            content.Sync();
        }

        public void Dispose()
        {
        }
    }
}
