using System.Globalization;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Groups;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>Payloads between managers (tessera 2).</summary>
/// <param name="guard">Null: <c>/resend</c> INDIVIDUAL answers whoever asks, and <c>/resendBatch</c> with its total, as Tessera's
/// do.</param>
/// <param name="receipts">Null: none are given.</param>
public sealed class PeerRoutes(
    PushReceiver receiver, PrivacyGroups groups, Resender resender, ResendGuard? guard, ReceiptDesk? receipts = null)
{
    private const string OctetStream = "application/octet-stream";

    /// <summary>Of a request to send again, which has a key, a hash and a number: no stranger's need be as long as a payload.</summary>
    private const long MaxResendBody = 64 * 1024;

    /// <summary>Of a group with the most members, texts of the greatest length and keys of the longest kind.</summary>
    private const long MaxGroupBody = 256 * 1024;

    /// <summary>Bytes of a sender's name that are read before it is refused.</summary>
    private const long MaxName = 1024;

    /// <summary>Resends of everything that run at once; further ones wait.</summary>
    private readonly SemaphoreSlim _resends = new(2, 2);

    /// <summary>Adds the routes.</summary>
    public RestApp AddTo(RestApp app) => app
        .Post("/push", RouteNote.Of("Takes an encrypted payload for one of our keys").Takes<Stream>(OctetStream).GivesText(201), PushAsync)
        .Post(
            "/" + PushMany.Path,
            RouteNote.Of("Takes several encrypted payloads from a manager of this kind").Takes<Stream>(OctetStream)
                .Gives<Stream>(200, OctetStream),
            PushManyAsync)
        .Post(
            "/" + ReceiptLists.Path,
            RouteNote.Of("Gives a manager of this kind the receipts for what it has pushed").Takes<Stream>(OctetStream)
                .Gives<Stream>(200, OctetStream),
            FetchReceiptsAsync)
        .Post(
            "/pushPrivacyGroup", RouteNote.Of("Takes a privacy group that was made or deleted").Takes<Stream>(OctetStream).Gives(200),
            PushGroupAsync)
        .Post(
            "/resend",
            RouteNote.Of("Sends the payloads of a key once more: all of them to its manager, or one in the answer")
                .Header(RestHeaders.ResendProof).Takes<ResendBody>(RestDocument.Json).Gives<Stream>(200, OctetStream),
            ResendAsync)
        .Post(
            "/resendBatch",
            RouteNote.Of("Gives a manager in recovery the payloads of a key, in batches").Takes<ResendBatchBody>(RestDocument.Json)
                .Gives<ResendBatchTotal>(200, RestDocument.Json),
            ResendBatchAsync);

    private async Task PushAsync(RestCall call)
    {
        // 201 is a promise: it follows the durable write.
        var body = await call.BodyAsync().ConfigureAwait(false);
        var (hash, delivery) = await receiver.StoreAsync(body, call.Room, call.Cancel).ConfigureAwait(false);
        call.Context.Response.Headers[RestHeaders.Pushes] = "many";
        NoteReceipts(call, [delivery]);
        await call.NegotiatedTextAsync(201, hash.ToBase64()).ConfigureAwait(false);
    }

    private async Task PushManyAsync(RestCall call)
    {
        var payloads = PushMany.Read(await call.BodyAsync().ConfigureAwait(false));
        var outcomes = await Task.WhenAll(payloads.Select(payload => StatusAsync(payload, call))).ConfigureAwait(false);
        NoteReceipts(call, outcomes.Select(o => o.Delivery));
        await call.BytesAsync(200, PushMany.WriteStatuses([.. outcomes.Select(o => o.Status)])).ConfigureAwait(false);
    }

    private void NoteReceipts(RestCall call, IEnumerable<Delivery?> kept)
    {
        if (receipts?.Note(call.Header(RestHeaders.Receipt), kept) is > 0 and var noted)
            call.Context.Response.Headers[RestHeaders.Receipt] = noted.ToString(CultureInfo.InvariantCulture);
    }

    private async Task FetchReceiptsAsync(RestCall call)
    {
        var name = await call.BodyAsync(MaxName).ConfigureAwait(false);
        var lists = receipts is null ? [] : await receipts.FetchAsync(name, call.Cancel).ConfigureAwait(false);
        await call.BytesAsync(200, ReceiptLists.Write(lists)).ConfigureAwait(false);
    }

    /// <summary>What is no refusal but a fault of ours ends the request, and is logged; the pushes come again by themselves then.</summary>
    private async Task<(int Status, Delivery? Delivery)> StatusAsync(ReadOnlyMemory<byte> payload, RestCall call)
    {
        try
        {
            return (201, (await receiver.StoreAsync(payload, call.Room, call.Cancel).ConfigureAwait(false)).Delivery);
        }
        catch (Exception e) when (ErrorAnswer.StatusOf(e) is { } status)
        {
            return (status, null);
        }
    }

    private async Task PushGroupAsync(RestCall call)
    {
        await groups.ReceiveAsync(await call.BodyAsync(MaxGroupBody).ConfigureAwait(false), call.Cancel).ConfigureAwait(false);
        await call.EmptyAsync(200).ConfigureAwait(false);
    }

    private async Task ResendAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync(MaxResendBody).ConfigureAwait(false);
        var key = body.RequiredKey("publicKey");
        switch (body.Text("type"))
        {
            case "INDIVIDUAL":
                await ResendOneAsync(call, key, body.RequiredBytes("key")).ConfigureAwait(false);
                break;
            case "ALL":
                await ResendAllAsync(key, call.Cancel).ConfigureAwait(false);
                await call.EmptyAsync(200).ConfigureAwait(false);
                break;
            default:
                throw new PrivacyException(Failure.BadRequest, "type: must be ALL or INDIVIDUAL");
        }
    }

    private async Task ResendBatchAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync(MaxResendBody).ConfigureAwait(false);
        var key = body.RequiredKey("publicKey");
        var size = body.Number("batchSize", 100);
        var total = 0;
        await _resends.WaitAsync(call.Cancel).ConfigureAwait(false);
        try
        {
            total = await resender.BatchAsync(key, size, call.Cancel).ConfigureAwait(false);
        }
        finally
        {
            _resends.Release();
        }

        await call.JsonAsync(200, json =>
        {
            json.WriteStartObject();
            // The payloads go to the key's own manager alone, as with ALL; the total would tell whoever asks how much the key has had to do
            // with us. A Tessera, which falls back to ALL for no peer of version 2.0, reads no more of the answer than its status.
            if (guard is null)
                json.WriteNumber("total", total);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    /// <summary>Without a proof there is one answer, whether the hash is known and whoever is party.</summary>
    private async Task ResendOneAsync(RestCall call, PublicKey key, byte[] hash)
    {
        if (guard is null || guard.IsProof(call.Header(RestHeaders.ResendProof), key, hash))
        {
            await call.BytesAsync(200, await resender.IndividualAsync(hash, key, call.Room, call.Cancel).ConfigureAwait(false))
                .ConfigureAwait(false);
            return;
        }

        var challenge = await guard.ChallengeAsync(key, hash, call.Cancel).ConfigureAwait(false);
        call.Context.Response.Headers[RestHeaders.ResendChallenge] = Convert.ToBase64String(challenge);
        await call.TextAsync(401,
            $"Only a holder of the key is answered: open the challenge in the header {RestHeaders.ResendChallenge} with it, and ask "
                + $"again with its text in the header {RestHeaders.ResendProof}")
            .ConfigureAwait(false);
    }

    private async Task ResendAllAsync(PublicKey key, CancellationToken cancel)
    {
        await _resends.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await resender.AllAsync(key, cancel).ConfigureAwait(false);
        }
        finally
        {
            _resends.Release();
        }
    }
}
