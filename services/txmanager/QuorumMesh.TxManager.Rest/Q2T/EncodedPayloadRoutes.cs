using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>
/// /encodedpayload/create and /encodedpayload/decrypt (tessera 1.10): GoQuorum's contract extension shares the state of a contract with
/// them.
/// </summary>
public sealed class EncodedPayloadRoutes(PayloadSender sender, PayloadReader reader)
{
    /// <summary>Adds both routes.</summary>
    public RestApp AddTo(RestApp app) => app
        .Post(
            "/encodedpayload/create",
            RouteNote.Of("Encrypts a payload for its recipients; nothing is stored or sent").Takes<SendBody>(ContentForm.AnyJson)
                .Gives<EncodedBody>(200, ContentForm.AnyJson),
            CreateAsync)
        .Post(
            "/encodedpayload/decrypt",
            RouteNote.Of("Opens an encrypted payload that the caller has").Takes<EncodedBody>(ContentForm.AnyJson)
                .Gives<FoundPayload>(200, ContentForm.AnyJson),
            DecryptAsync);

    private async Task CreateAsync(RestCall call)
    {
        if (!ContentForm.IsJson(ContentForm.Of(call)))
        {
            await ContentForm.RefuseAsync(call, ContentForm.Json).ConfigureAwait(false);
            return;
        }

        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var encoded = await sender.EncodeAsync(
                body.RequiredBytes("payload"), body.Key("from"), body.Keys("to"), SendRequest.Privacy(body), call.Room, call.Cancel)
            .ConfigureAwait(false);
        await call.JsonAsync(
            200,
            json =>
            {
                json.WriteStartObject();
                json.WriteString("senderKey", encoded.SenderKey.ToBase64());
                json.WriteBase64String("cipherText", encoded.CipherText);
                json.WriteBase64String("cipherTextNonce", encoded.CipherTextNonce);
                json.WriteStartArray("recipientBoxes");
                foreach (var box in encoded.RecipientBoxes)
                    json.WriteBase64StringValue(box);

                json.WriteEndArray();
                json.WriteBase64String("recipientNonce", encoded.RecipientNonce);
                SendRoutes.WriteKeys(json, "recipientKeys", encoded.RecipientKeys);
                json.WriteNumber("privacyMode", (int)encoded.PrivacyMode);
                json.WriteStartObject("affectedContractTransactions");
                foreach (var affected in encoded.AffectedTransactions)
                    json.WriteBase64String(affected.Hash.ToBase64(), affected.SecurityHash);

                json.WriteEndObject();
                json.WriteString("execHash", Encoding.UTF8.GetString(encoded.ExecutionHash));
                json.WriteEndObject();
            },
            ContentForm.Answer(call),
            System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(encoded.CipherText.Length)).ConfigureAwait(false);
    }

    /// <remarks>GoQuorum sends the first six members alone; without the others it is a standard payload.</remarks>
    private async Task DecryptAsync(RestCall call)
    {
        if (!ContentForm.IsJson(ContentForm.Of(call)))
        {
            await ContentForm.RefuseAsync(call, ContentForm.Json).ConfigureAwait(false);
            return;
        }

        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        if (body.Number("privacyMode", 0) != 0)
            throw PrivacyException.EnhancedPrivacy();
        var payload = new EncodedPayload
        {
            SenderKey = body.RequiredKey("senderKey"),
            CipherText = body.RequiredBytes("cipherText"),
            CipherTextNonce = body.RequiredBytes("cipherTextNonce"),
            RecipientBoxes = [.. body.Array("recipientBoxes").Select(b => Base64Text.Decode("recipientBoxes", b))],
            RecipientNonce = body.RequiredBytes("recipientNonce"),
            RecipientKeys = body.Keys("recipientKeys"),
        };
        if (payload.RecipientBoxes.Count > LegacyPayloadCodec.MaxItems || payload.RecipientKeys.Count > LegacyPayloadCodec.MaxItems)
            throw new PrivacyException(Failure.BadRequest, $"recipientKeys: at most {LegacyPayloadCodec.MaxItems}");
        var opened = await reader.DecryptAsync(payload, call.Room, call.Cancel).ConfigureAwait(false);
        await call.JsonAsync(
            200,
            json =>
            {
                json.WriteStartObject();
                json.WriteBase64String("payload", opened);
                json.WriteNumber("privacyFlag", 0);
                json.WriteStartArray("affectedContractTransactions");
                json.WriteEndArray();
                json.WriteString("execHash", string.Empty);
                json.WriteEndObject();
            },
            ContentForm.Answer(call),
            System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(opened.Length)).ConfigureAwait(false);
    }
}
