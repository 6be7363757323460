using QuorumMesh.Contracts.Identities;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>Who has provably received a payload that this manager sent; ours, Tessera has no such route.</summary>
public sealed class ReceiptRoutes(IPayloadStore payloads, IReceiptStore receipts)
{
    /// <summary>Adds the route.</summary>
    public RestApp AddTo(RestApp app) => app.Get(
        "/quorummesh/receipts/{hash}",
        RouteNote.Of("Which recipients' identities have signed that they keep a payload").Gives<ReceiptList>(200, RestDocument.Json),
        ListAsync);

    private async Task ListAsync(RestCall call)
    {
        var bytes = call.Base64("hash");
        if (bytes.Length != PayloadHash.Size)
            throw new PrivacyException(Failure.BadRequest, $"hash: must be {PayloadHash.Size} bytes in base64");
        var hash = new PayloadHash(bytes);
        var payload = await payloads.FindAsync(hash, call.Cancel).ConfigureAwait(false);
        var found = await receipts.ReceiptsAsync(hash, call.Cancel).ConfigureAwait(false);
        if (payload is null && found.Count == 0)
            throw PrivacyException.MessageNotFound(hash.ToBase64(), missing: false);
        var signed = found.SelectMany(r => r.Deliveries.Where(d => d.Hash == hash).Select(d => (d.Recipient, Receipts: r)))
            .DistinctBy(s => s.Recipient).ToList();
        await call.JsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("receipts");
            foreach (var (recipient, list) in signed)
            {
                json.WriteStartObject();
                json.WriteString("recipient", recipient.ToBase64());
                json.WriteString("identity", list.Identity.ToBase64());
                json.WriteString("keptAt", list.KeptAt);
                json.WriteString("store", list.Store);
                json.WriteBase64String("proof", list.Write());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("without");
            foreach (var key in (payload?.RecipientKeys ?? []).Except(signed.Select(s => s.Recipient)).Where(k => k != payload!.SenderKey))
                json.WriteStringValue(key.ToBase64());
            json.WriteEndArray();
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }
}
