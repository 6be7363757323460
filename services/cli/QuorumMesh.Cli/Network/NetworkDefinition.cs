using System.Text.Json;
using System.Text.Json.Serialization;

namespace QuorumMesh.Cli.Network;

/// <summary>What <c>network.json</c> says: everything that a client or an operator needs to reach a local network.</summary>
/// <param name="Profile">Compatibility profile of the nodes; null leaves it to the genesis.</param>
public sealed record NetworkDefinition(
    [property: JsonPropertyName("chainId")] ulong ChainId,
    [property: JsonPropertyName("consensus")] string Consensus,
    [property: JsonPropertyName("participants")] IReadOnlyList<Participant> Participants,
    [property: JsonPropertyName("profile"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Profile = null)
{
    public const string FileName = "network.json";

    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true };

    public static NetworkDefinition Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            throw new CommandException($"there is no network in {directory}: create one with 'qmesh network create --dir {directory} --participants 3 --consensus raft'");
        try
        {
            return JsonSerializer.Deserialize<NetworkDefinition>(File.ReadAllText(path), Options)
                ?? throw new JsonException("the file is empty");
        }
        catch (JsonException e)
        {
            throw new CommandException($"{path} cannot be read ({e.Message}): create the network again in a new directory");
        }
    }

    public void Save(string directory) =>
        File.WriteAllText(Path.Combine(directory, FileName), JsonSerializer.Serialize(this, Options) + "\n");
}

/// <summary>One participant: its node, transaction manager and enclave.</summary>
public sealed record Participant(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("rpc")] string Rpc,
    [property: JsonPropertyName("ws")] string Ws,
    [property: JsonPropertyName("ipc")] string Ipc,
    [property: JsonPropertyName("enode")] string Enode,
    [property: JsonPropertyName("raftId")] int RaftId,
    [property: JsonPropertyName("account")] string Account,
    [property: JsonPropertyName("txManagerKey")] string TxManagerKey,
    [property: JsonPropertyName("q2t")] string Q2t,
    [property: JsonPropertyName("q2tSocket")] string Q2tSocket,
    [property: JsonPropertyName("thirdParty")] string ThirdParty,
    [property: JsonPropertyName("p2p")] string P2p,
    [property: JsonPropertyName("health")] HealthUrls Health,
    [property: JsonPropertyName("dir")] string Directory);

/// <summary>Base URLs of the health and metrics listeners.</summary>
public sealed record HealthUrls(
    [property: JsonPropertyName("node")] string Node,
    [property: JsonPropertyName("txManager")] string TxManager,
    [property: JsonPropertyName("enclave")] string Enclave);
