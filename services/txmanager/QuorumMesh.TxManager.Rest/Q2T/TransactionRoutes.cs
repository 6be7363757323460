using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>Reading and deleting payloads (tessera 1.6 to 1.9).</summary>
public sealed class TransactionRoutes(PayloadReader reader)
{
    /// <summary>Adds the routes that read and delete payloads.</summary>
    public RestApp AddTo(RestApp app) => app
        .Get("/transaction/{hash}", Finds.Query<string>("to").Query<bool>("isRaw"), ReceiveAsync)
        .Get("/transaction/{hash}/isSender", RouteNote.Of("Whether we sent a payload: true or false").GivesText(), IsSenderAsync)
        .Get("/transaction/{hash}/participants", RouteNote.Of("The keys of its recipients, by commas").GivesText(), ParticipantsAsync)
        .Get("/transaction/{hash}/mandatory", RouteNote.Of("The keys of its mandatory recipients, by commas").GivesText(), MandatoryAsync)
        .Map("DELETE", "/transaction/{hash}", RouteNote.Of("Deletes a payload").Gives(204), DeleteAsync)
        .Post("/delete", RouteNote.Of("Deletes a payload").Takes<DeleteBody>(ContentForm.Json).GivesText(), DeleteOldAsync)
        .Get(
            "/receiveraw",
            RouteNote.Of("A payload in the clear").Header(RestHeaders.PayloadKey, isRequired: true).Header(RestHeaders.Recipients)
                .Gives<Stream>(200, ContentForm.OctetStream),
            ReceiveRawAsync)
        .Get("/receive", Finds.Takes<ReceiveBody>(ContentForm.Json), ReceiveOldAsync);

    private static RouteNote Finds => RouteNote.Of("A payload in the clear, with what is known of it")
        .Gives<FoundPayload>(200, ContentForm.AnyJson);

    private static string Join(IReadOnlyList<PublicKey> keys) => string.Join(',', keys.Select(k => k.ToBase64()));

    private async Task IsSenderAsync(RestCall call)
    {
        var isSender = await reader.IsSenderAsync(call.Base64("hash"), call.Room, call.Cancel).ConfigureAwait(false);
        await call.TextAsync(200, isSender ? "true" : "false").ConfigureAwait(false);
    }

    private async Task ParticipantsAsync(RestCall call) =>
        await call.TextAsync(200, Join(await reader.ParticipantsAsync(call.Base64("hash"), call.Room, call.Cancel).ConfigureAwait(false)))
            .ConfigureAwait(false);

    private async Task MandatoryAsync(RestCall call) =>
        await call.TextAsync(
                200, Join(await reader.MandatoryRecipientsAsync(call.Base64("hash"), call.Room, call.Cancel).ConfigureAwait(false)))
            .ConfigureAwait(false);

    private async Task ReceiveAsync(RestCall call)
    {
        var hash = call.Base64("hash");
        var to = call.Context.Request.Query["to"].ToString();
        var isRaw = call.Context.Request.Query["isRaw"].ToString();
        if (isRaw.Length > 0 && !bool.TryParse(isRaw, out _))
            throw new PrivacyException(Failure.BadRequest, "isRaw: must be true or false");
        var key = to.Length > 0 ? Base64Text.Key("to", to) : null;
        var received = isRaw.Length > 0 && bool.Parse(isRaw)
            ? await reader.ReceiveRawAsync(hash, call.Room, call.Cancel).ConfigureAwait(false)
            : await reader.ReceiveAsync(hash, key, call.Room, call.Cancel).ConfigureAwait(false);
        await AnswerAsync(call, received).ConfigureAwait(false);
    }

    private static Task AnswerAsync(RestCall call, ReceivedPayload received)
    {
        var form = ContentForm.Answer(call);
        return call.JsonAsync(
            200,
            json =>
            {
                json.WriteStartObject();
                json.WriteBase64String("payload", received.Payload);
                json.WriteNumber("privacyFlag", (int)(received.Envelope?.PrivacyMode ?? 0));
                json.WriteStartArray("affectedContractTransactions");
                foreach (var affected in received.Envelope?.AffectedTransactions ?? [])
                    json.WriteStringValue(affected.Hash.ToBase64());

                json.WriteEndArray();
                json.WriteString("execHash", Encoding.UTF8.GetString(received.Envelope?.ExecutionHash ?? []));
                if (received.Envelope?.PrivacyGroupId is { } group)
                    json.WriteBase64String("privacyGroupId", group);
                if (form != ContentForm.Json)
                {
                    SendRoutes.WriteKeys(json, "managedParties", received.ManagedParties);
                    json.WriteString("senderKey", received.Sender.ToBase64());
                }

                json.WriteEndObject();
            },
            form,
            System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(received.Payload.Length));
    }

    private async Task DeleteAsync(RestCall call)
    {
        await reader.DeleteAsync(call.Base64("hash"), call.Cancel).ConfigureAwait(false);
        await call.EmptyAsync(204).ConfigureAwait(false);
    }

    private async Task DeleteOldAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        await reader.DeleteAsync(body.RequiredBytes("key"), call.Cancel).ConfigureAwait(false);
        await call.TextAsync(200, "Delete successful").ConfigureAwait(false);
    }

    /// <summary>
    /// The form of Tessera's first releases and of Constellation: a GET with a JSON body, <c>{"key": hash, "to": our key or absent}</c>.
    /// </summary>
    private async Task ReceiveOldAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var received = await reader.ReceiveAsync(body.RequiredBytes("key"), body.Key("to"), call.Room, call.Cancel)
            .ConfigureAwait(false);
        await AnswerAsync(call, received).ConfigureAwait(false);
    }

    private async Task ReceiveRawAsync(RestCall call)
    {
        var text = call.Header(RestHeaders.PayloadKey)
            ?? throw new PrivacyException(Failure.BadRequest, $"{RestHeaders.PayloadKey}: the header is required");
        var to = call.Header(RestHeaders.Recipients) is { } key ? Base64Text.Key(RestHeaders.Recipients, key) : null;
        var received = await reader.ReceiveAsync(Base64Text.Decode(RestHeaders.PayloadKey, text), to, call.Room, call.Cancel)
            .ConfigureAwait(false);
        await call.BytesAsync(200, received.Payload).ConfigureAwait(false);
    }
}
