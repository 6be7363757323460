using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Groups;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>/send, /sendraw, /sendsignedtx and /storeraw (tessera 1.2 to 1.5).</summary>
/// <param name="groups">Whose members stand for recipients where a send names one.</param>
public sealed class SendRoutes(PayloadSender sender, PrivacyGroups groups)
{
    /// <summary>Adds all four routes.</summary>
    public RestApp AddTo(RestApp app) => AddStoreRaw(app)
        .Post("/send", Sends.Takes<SendBody>(ContentForm.AnyJson).Gives<SentPayload>(201, ContentForm.AnyJson), SendAsync)
        .Post(
            "/sendraw",
            Sends.Header(RestHeaders.Sender).Header(RestHeaders.Recipients).Takes<Stream>(ContentForm.OctetStream).GivesText(),
            SendRawAsync)
        .Post(
            "/sendsignedtx",
            RouteNote.Of("Sends a payload that /storeraw has stored to its recipients").Header(RestHeaders.Recipients)
                .Takes<SendSignedBody>(ContentForm.AnyJson).Takes<Stream>(ContentForm.OctetStream)
                .Gives<SentPayload>(201, ContentForm.AnyJson).GivesText(),
            SendSignedAsync);

    /// <summary>Adds /storeraw alone, for the third-party application (tessera 9.1).</summary>
    public RestApp AddStoreRaw(RestApp app) => app.Post(
        "/storeraw",
        RouteNote.Of("Encrypts and stores a payload for ourselves, to be sent later").Takes<StoreRawBody>(ContentForm.AnyJson)
            .Gives<StoredRaw>(200, ContentForm.AnyJson),
        StoreRawAsync);

    private static RouteNote Sends => RouteNote.Of("Encrypts a payload, stores it and sends it to its recipients' managers");

    private static void Locate(RestCall call, PayloadHash hash) =>
        call.Location("/transaction/" + Uri.EscapeDataString(hash.ToBase64()));

    private static Task AnswerAsync(RestCall call, int status, SendResult result)
    {
        var form = ContentForm.Answer(call);
        return call.JsonAsync(
            status,
            json =>
            {
                json.WriteStartObject();
                json.WriteString("key", result.Hash.ToBase64());
                if (form != ContentForm.Json)
                {
                    WriteKeys(json, "managedParties", result.ManagedParties);
                    json.WriteString("senderKey", result.Sender.ToBase64());
                }

                json.WriteEndObject();
            },
            form);
    }

    internal static void WriteKeys(Utf8JsonWriter json, string member, IReadOnlyList<PublicKey> keys)
    {
        json.WriteStartArray(member);
        foreach (var key in keys)
            json.WriteStringValue(key.ToBase64());

        json.WriteEndArray();
    }

    /// <summary>A group's members take the place of <c>to</c> (tessera 1.2).</summary>
    private async Task<(IReadOnlyList<PublicKey> To, PrivacyOptions Privacy)> RecipientsAsync(JsonBody body, CancellationToken cancel)
    {
        var privacy = SendRequest.Privacy(body);
        if (string.IsNullOrEmpty(body.Text("privacyGroupId")))
            return (body.Keys("to"), privacy);
        var group = await groups.RetrieveAsync(body.RequiredBytes("privacyGroupId"), cancel).ConfigureAwait(false);
        return (group.Members, privacy with { GroupId = group.Id.ToArray() });
    }

    private async Task SendAsync(RestCall call)
    {
        if (!ContentForm.IsJson(ContentForm.Of(call)))
        {
            await ContentForm.RefuseAsync(call, ContentForm.Json).ConfigureAwait(false);
            return;
        }

        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var payload = body.RequiredBytes("payload");
        var (to, privacy) = await RecipientsAsync(body, call.Cancel).ConfigureAwait(false);
        var result = await sender.SendAsync(payload, body.Key("from"), to, privacy, call.Room, call.Cancel).ConfigureAwait(false);
        Locate(call, result.Hash);
        await AnswerAsync(call, 201, result).ConfigureAwait(false);
    }

    private async Task SendRawAsync(RestCall call)
    {
        // Its text would be taken for the payload.
        if (call.Context.Request.ContentType is not null && ContentForm.IsJson(ContentForm.Of(call)))
        {
            await ContentForm.RefuseAsync(call, ContentForm.OctetStream).ConfigureAwait(false);
            return;
        }

        var payload = await call.BodyAsync().ConfigureAwait(false);
        var from = call.Header(RestHeaders.Sender) is { } text ? Base64Text.Key(RestHeaders.Sender, text) : null;
        var result = await sender.SendAsync(
                payload, from, call.KeysHeader(RestHeaders.Recipients), PrivacyOptions.Standard, call.Room, call.Cancel)
            .ConfigureAwait(false);
        Locate(call, result.Hash);
        await call.TextAsync(200, result.Hash.ToBase64()).ConfigureAwait(false);
    }

    private async Task SendSignedAsync(RestCall call)
    {
        var form = ContentForm.Of(call);
        if (form == ContentForm.OctetStream)
        {
            await SendSignedRawAsync(call).ConfigureAwait(false);
            return;
        }

        if (!ContentForm.IsJson(form))
        {
            await ContentForm.RefuseAsync(call, $"{ContentForm.OctetStream} or {ContentForm.Json}").ConfigureAwait(false);
            return;
        }

        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var hash = body.RequiredBytes("hash");
        var (to, privacy) = await RecipientsAsync(body, call.Cancel).ConfigureAwait(false);
        var result = await sender.SendSignedAsync(hash, to, privacy, call.Room, call.Cancel).ConfigureAwait(false);
        Locate(call, result.Hash);
        await AnswerAsync(call, 201, result).ConfigureAwait(false);
    }

    private async Task SendSignedRawAsync(RestCall call)
    {
        var hash = await call.BodyAsync().ConfigureAwait(false);
        if (hash.Length == 0)
            throw new PrivacyException(Failure.BadRequest, "The body must be the 64 bytes of a hash that /storeraw gave");
        var result = await sender.SendSignedAsync(
                hash, call.KeysHeader(RestHeaders.Recipients), PrivacyOptions.Standard, call.Room, call.Cancel)
            .ConfigureAwait(false);
        call.Context.Response.Headers["tesserasender"] = result.Sender.ToBase64();
        call.Context.Response.Headers["tesseramanagedparties"] = string.Join(',', result.ManagedParties.Select(k => k.ToBase64()));
        Locate(call, result.Hash);
        await call.TextAsync(200, result.Hash.ToBase64()).ConfigureAwait(false);
    }

    private async Task StoreRawAsync(RestCall call)
    {
        if (!ContentForm.IsJson(ContentForm.Of(call)))
        {
            await ContentForm.RefuseAsync(call, ContentForm.Json).ConfigureAwait(false);
            return;
        }

        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var hash = await sender.StoreRawAsync(body.RequiredBytes("payload"), body.Key("from"), call.Room, call.Cancel)
            .ConfigureAwait(false);
        await call.JsonAsync(
            200,
            json =>
            {
                json.WriteStartObject();
                json.WriteString("key", hash.ToBase64());
                json.WriteEndObject();
            },
            ContentForm.Answer(call)).ConfigureAwait(false);
    }
}
