using System.Text.Json;
using System.Text.Json.Serialization;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Cli.Demo;

/// <summary>What the demo needs of a participant, wherever it runs.</summary>
/// <param name="Rpc">http or https URL of its JSON-RPC; https is checked against the authorities of the machine.</param>
/// <param name="Account">An account that its node has unlocked.</param>
/// <param name="TxManagerKey">Its public key in base64.</param>
/// <param name="TokenFile">A file with a bearer token for its JSON-RPC, or null where none is asked for.</param>
public sealed record DemoAccess(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("rpc")] string Rpc,
    [property: JsonPropertyName("account")] string Account,
    [property: JsonPropertyName("txManagerKey")] string TxManagerKey,
    [property: JsonPropertyName("tokenFile")] string? TokenFile = null)
{
    /// <summary>Reads a JSON array of participants.</summary>
    /// <exception cref="CommandException">The file is absent or is none.</exception>
    public static IReadOnlyList<DemoAccess> Load(string path)
    {
        try
        {
            var parties = JsonSerializer.Deserialize<DemoAccess[]>(File.ReadAllText(path), NetworkDefinition.JsonOptions)
                ?? throw new JsonException("the file is empty");
            foreach (var party in parties)
                if (!Uri.TryCreate(party.Rpc, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                    throw new JsonException($"rpc '{party.Rpc}' of {party.Name} is neither http://host:port nor https://host:port");
            return parties;
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"{path} is no list of participants ({e.Message}): it is a JSON array of objects with name, rpc, "
                + "account, txManagerKey and, where a token is asked for, tokenFile");
        }
    }
}
