using System.Text.Json;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>
/// Whose Raft log lies in a directory. With a path of its own (<c>--raftlogdir</c>) a log can meet the chain of another node, and a member
/// that goes on with another's log breaks what that one has promised.
/// </summary>
/// <param name="Node">Node id, 128 lower-case hex digits.</param>
internal sealed record RaftLogOwner(string Node, Hash256 Genesis, ushort RaftId)
{
    /// <summary>To be called before the log is opened, which already writes into it.</summary>
    /// <param name="nodeId">Null where it is not known.</param>
    /// <param name="raftId">Null in a node that has not taken part yet.</param>
    /// <exception cref="StartupException">It is another node's, or another network's.</exception>
    public static void Check(FileRaftDisk disk, string? nodeId, in Hash256 genesis, ushort? raftId)
    {
        if (disk.ReadOwner() is not { } written) return; // a new one, or of an earlier version
        var owner = Read(written, disk.Path);
        var difference = nodeId is not null && owner.Node != nodeId ? $"node {owner.Node[..16]}…, and this one is {nodeId[..16]}…"
            : owner.Genesis != genesis ? $"the network with genesis {owner.Genesis}, and this node's is {genesis}"
            : raftId is { } id && owner.RaftId != id ? $"Raft id {owner.RaftId}, and this node has id {id}"
            : raftId is null ? $"Raft id {owner.RaftId}, and the chain in the data directory has never taken part in Raft" : null;
        if (difference is not null)
            throw new StartupException($"the Raft log in {disk.Path} is of {difference}: give --raftlogdir and --datadir of one and the "
                + "same node, restored from one moment; for a node that joins anew, an empty directory");
    }

    /// <summary>Writes down whose log this is, where nobody has.</summary>
    public void Claim(FileRaftDisk disk)
    {
        if (disk.ReadOwner() is not null) return;
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("node", Node);
            json.WriteString("genesis", Genesis.ToString());
            json.WriteNumber("raftId", RaftId);
            json.WriteEndObject();
        }
        disk.WriteOwner(buffer.ToArray());
    }

    private static RaftLogOwner Read(byte[] written, string directory)
    {
        try
        {
            using var json = JsonDocument.Parse(written);
            var root = json.RootElement;
            var node = root.GetProperty("node").GetString();
            if (node is { Length: 128 })
                return new RaftLogOwner(node, Hash256.Parse(root.GetProperty("genesis").GetString()!),
                    root.GetProperty("raftId").GetUInt16());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or ArgumentNullException)
        {
            // Told below.
        }
        throw new StartupException($"the file owner in {directory}, which says whose Raft log this is, cannot be read: check the disk; "
            + "when it is this node's log for certain, remove that file");
    }
}
