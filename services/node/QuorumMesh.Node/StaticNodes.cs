using System.Text.Json;
using System.Text.Json.Serialization;
using QuorumMesh.Node.Runtime;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>static-nodes.json and permissioned-nodes.json: arrays of enode URLs in the data directory.</summary>
internal static class StaticNodes
{
    public const string FileName = "static-nodes.json";
    public const string PermissionedFileName = "permissioned-nodes.json";

    /// <summary>Empty when the file is absent.</summary>
    public static IReadOnlyList<Enode> Read(DataDirectory data, string fileName)
    {
        var path = data.NodeList(fileName);
        if (!File.Exists(path)) return [];
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new StartupException($"{path} is not a JSON array of enode URLs: {e.Message}");
        }
    }

    /// <exception cref="JsonException">Not an array of strings.</exception>
    /// <exception cref="FormatException">One of them is no enode URL.</exception>
    public static IReadOnlyList<Enode> Parse(string text) =>
        [.. (JsonSerializer.Deserialize(text, EnodeListJson.Default.StringArray) ?? []).Select(Enode.Parse)];

    /// <summary>
    /// The first members of a Raft cluster: Raft id = 1-based position, the own entry included (GoQuorum cmd/geth/config.go).
    /// </summary>
    public static IReadOnlyList<Enode> ReadRaftMembers(DataDirectory data, string ownNodeId)
    {
        var members = Read(data, FileName);
        var path = data.NodeList(FileName);
        if (members.Count == 0)
            throw new StartupException($"{path} is missing or empty: a new Raft cluster needs it, with the enode URL of every first "
                + "member in the same order everywhere");
        if (members.FirstOrDefault(m => m.RaftPort == 0) is { } without)
            throw new StartupException($"{path}: enodeId is missing raftport querystring parameter: {without}");
        if (members.All(m => m.NodeId != ownNodeId))
            throw new StartupException($"{path} does not list this node (enode id {ownNodeId[..16]}…): add it, or start with "
                + "--raftjoinexisting and the id that raft_addPeer answered");
        return members;
    }

    /// <summary>A member that joins hears only whom it was told of: without another member in the file it would wait for good.</summary>
    public static void RequireMembersToJoin(DataDirectory data, string ownNodeId)
    {
        if (Read(data, FileName).Any(m => m.RaftPort != 0 && m.NodeId != ownNodeId)) return;
        var path = data.NodeList(FileName);
        throw new StartupException($"{path} names no member to join (enode URL with raftport): with --raftjoinexisting it needs the first "
            + "members of the cluster in their order, as the other members have it; Raft messages of others are not taken");
    }
}

/// <summary>Generated: to find out at each start how an array of strings is read has the JIT compile about a hundred methods.</summary>
[JsonSerializable(typeof(string[]))]
internal sealed partial class EnodeListJson : JsonSerializerContext;
