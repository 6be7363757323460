using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;

namespace QuorumMesh.TxManager.Rest.ThirdParty;

/// <summary>Keys for third parties (tessera 9.1).</summary>
public sealed class KeyRoutes(OwnKeys ownKeys, PartyDirectory directory)
{
    public RestApp AddTo(RestApp app) => app
        .Get("/keys",
            async call => await AnswerAsync(call, await ownKeys.ActiveAsync(call.Cancel).ConfigureAwait(false)).ConfigureAwait(false))
        .Get("/partyinfo/keys", async call =>
        {
            var own = await ownKeys.ActiveAsync(call.Cancel).ConfigureAwait(false);
            await AnswerAsync(call, own.Concat(directory.ActiveKeys().Select(k => k.Key)).Distinct()).ConfigureAwait(false);
        });

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
