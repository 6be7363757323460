using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest;

/// <summary>Which key is whose, for operators; ours, Tessera has no such routes.</summary>
public sealed class IdentityRoutes(IdentityBook book, OwnIdentity? own, PeerIdentities identities)
{
    private const string Path = "/quorummesh/identities";

    /// <summary>Bytes of a decision: a key and an identity.</summary>
    private const long MaxBody = 4096;

    /// <summary>Adds the list, which holds nothing secret.</summary>
    public RestApp AddList(RestApp app) => app.Get(
        Path,
        RouteNote.Of("Which key is pinned to which identity, and what is claimed against it").Gives<IdentityList>(200, RestDocument.Json),
        ListAsync);

    /// <summary>Adds the decision of an operator too: for the node's port alone.</summary>
    public RestApp AddTo(RestApp app) => AddList(app).Post(
        Path + "/accept",
        RouteNote.Of("Gives a key to an identity, or to whoever proves it next").Takes<AcceptBody>(RestDocument.Json).Gives(200),
        AcceptAsync);

    private Task ListAsync(RestCall call) => call.JsonAsync(200, json =>
    {
        json.WriteStartObject();
        json.WriteString("identity", own?.Key?.ToBase64());
        json.WriteStartArray("keys");
        foreach (var pin in book.Pins)
        {
            json.WriteStartObject();
            json.WriteString("key", pin.Key.ToBase64());
            json.WriteString("identity", pin.Identity.ToBase64());
            json.WriteString("state", pin.State.ToString().ToLowerInvariant());
            json.WriteString("successor", pin.Successor?.ToBase64());
            json.WriteString("since", pin.Since);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("conflicts");
        foreach (var conflict in book.Conflicts)
        {
            json.WriteStartObject();
            json.WriteString("key", conflict.Key.ToBase64());
            json.WriteString("pinnedTo", conflict.Pinned.ToBase64());
            json.WriteString("claimedBy", conflict.Claimant?.ToBase64());
            json.WriteString("url", conflict.Url);
            json.WriteString("since", conflict.Since);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private async Task AcceptAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync(MaxBody).ConfigureAwait(false);
        await identities.AcceptAsync(Of32("key", body.RequiredKey("key")), body.Key("identity") is { } key ? Of32("identity", key) : null,
            call.Cancel).ConfigureAwait(false);
        await call.EmptyAsync(200).ConfigureAwait(false);
    }

    private static PublicKey Of32(string member, PublicKey key) => key.Length == 32
        ? key
        : throw new Core.PrivacyException(Core.Failure.BadRequest, $"{member}: must be 32 bytes in base64");
}
