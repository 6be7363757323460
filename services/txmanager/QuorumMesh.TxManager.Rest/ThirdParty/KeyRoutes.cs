using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.ThirdParty;

/// <summary>Keys for third parties (tessera 9.1).</summary>
public sealed class KeyRoutes(OwnKeys ownKeys, PartyDirectory directory)
{
    /// <summary>Adds /keys and /partyinfo/keys (tessera 9.1).</summary>
    public RestApp AddTo(RestApp app) => app
        .Get("/keys", RouteNote.Of("Our keys").Gives<KeyList>(200, RestDocument.Json), OwnKeysAsync)
        .Get("/partyinfo/keys", RouteNote.Of("All known keys of the network").Gives<KeyList>(200, RestDocument.Json), AllKeysAsync);

    private async Task OwnKeysAsync(RestCall call) =>
        await AnswerAsync(call, await ownKeys.ActiveAsync(call.Cancel).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task AllKeysAsync(RestCall call)
    {
        var own = await ownKeys.ActiveAsync(call.Cancel).ConfigureAwait(false);
        await AnswerAsync(call, own.Concat(directory.ActiveKeys().Select(k => k.Key)).Distinct()).ConfigureAwait(false);
    }

    private static Task AnswerAsync(RestCall call, IEnumerable<PublicKey> keys) => call.JsonAsync(200, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("keys");
        foreach (var key in keys)
        {
            json.WriteStartObject();
            json.WriteString("key", key.ToBase64());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });
}
