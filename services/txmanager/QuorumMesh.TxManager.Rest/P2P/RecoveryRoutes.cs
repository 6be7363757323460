using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>What a manager takes from its peers while it recovers (tessera 2.1, 9.2); it gives nothing then.</summary>
public sealed class RecoveryRoutes(RecoveryIntake intake)
{
    /// <summary>Adds the routes.</summary>
    public RestApp AddTo(RestApp app) => app
        .Post(
            "/push",
            RouteNote.Of("Takes an encrypted payload for one of our keys, standard private alone").Takes<Stream>("application/octet-stream")
                .GivesText(201),
            PushAsync)
        .Post(
            "/pushBatch",
            RouteNote.Of("Takes payloads that a manager gives back").Takes<PushBatchBody>(RestDocument.Json).Gives(200), PushBatchAsync);

    private async Task PushAsync(RestCall call)
    {
        var hash = await intake.TakeOneAsync(await call.BodyAsync().ConfigureAwait(false), call.Room, call.Cancel).ConfigureAwait(false);
        await call.NegotiatedTextAsync(201, hash.ToBase64()).ConfigureAwait(false);
    }

    private async Task PushBatchAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        await intake.TakeAsync(body.RequiredByteArrays("encodedPayloads"), call.Room, call.Cancel).ConfigureAwait(false);
        await call.EmptyAsync(200).ConfigureAwait(false);
    }
}
