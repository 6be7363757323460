using System.Buffers.Binary;
using System.Globalization;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>
/// Snapshots, one file each: "QMRAFTS1" ‖ crc32c u32 ‖ raftpb.Snapshot. Written beside and renamed; the newest two are kept.
/// </summary>
internal sealed class RaftSnapshotFiles(IRaftDisk disk)
{
    private const string Prefix = "snapshot-", Suffix = ".snap";
    private const int Header = 12;
    private static ReadOnlySpan<byte> Magic => "QMRAFTS1"u8;

    public static bool IsSnapshot(string name, out ulong index)
    {
        index = 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out index);
    }

    public RaftSnapshot? Newest()
    {
        var names = Names();
        return names.Count == 0 ? null : Read(names[^1]);
    }

    public void Save(RaftSnapshot snapshot)
    {
        var body = RaftWire.Encode(snapshot);
        var data = new byte[Header + body.Length];
        Magic.CopyTo(data);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(8), Crc32C.Update(body, uint.MaxValue));
        body.CopyTo(data.AsSpan(Header));
        var name = $"{Prefix}{snapshot.Index:x16}{Suffix}";
        using (var file = disk.Open(name + ".tmp"))
        {
            file.Truncate(0);
            file.Write(data);
            file.Sync();
        }
        disk.Rename(name + ".tmp", name);
        disk.SyncDirectory();
    }

    public void DropOld()
    {
        var names = Names();
        foreach (var name in names.Take(names.Count - 2)) disk.Delete(name);
    }

    private List<string> Names() => [.. disk.List().Where(n => IsSnapshot(n, out _)).Order(StringComparer.Ordinal)];

    private RaftSnapshot Read(string name)
    {
        var data = disk.ReadAll(name);
        if (data.Length < Header || !data.AsSpan(0, 8).SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(8)) != Crc32C.Update(data.AsSpan(Header), uint.MaxValue))
            throw new RaftLogDamagedException($"raft snapshot {name} is damaged: {RaftLogDamagedException.Advice}");
        return RaftWire.DecodeSnapshot(data.AsSpan(Header));
    }
}
