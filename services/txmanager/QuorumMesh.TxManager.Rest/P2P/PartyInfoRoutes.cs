using System.Net.Sockets;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>How managers find each other (tessera 2.2, 2.3), and those of ours show whose they are.</summary>
/// <param name="identity">Null: our enclave can have none.</param>
public sealed class PartyInfoRoutes(
    PartyInfoService parties, PartyDirectory directory, OwnKeys ownKeys, PartySettings settings, OwnIdentity? identity)
{
    private const string OctetStream = "application/octet-stream";

    /// <summary>Bytes of a question for the identity that are read before it is refused.</summary>
    private const long MaxNonce = 1024;

    /// <summary>Adds the routes.</summary>
    public RestApp AddTo(RestApp app) => app
        .Post(
            "/partyinfo", RouteNote.Of("Takes a manager's party info").Takes<Stream>(OctetStream).Gives<Stream>(200, OctetStream),
            TakePartyInfoAsync)
        .Post(
            "/partyinfo/validate", RouteNote.Of("Opens a challenge, to prove a key").Takes<Stream>(OctetStream).GivesText(), ProveAsync)
        .Post(
            "/" + IdentityAnswer.Path,
            RouteNote.Of("Shows a manager of this kind whose keys these are").Takes<Stream>(OctetStream).Gives<Stream>(200, OctetStream),
            IdentityAsync)
        .Get("/partyinfo", RouteNote.Of("The known managers and keys").Gives<KnownParties>(200, RestDocument.Json), PartyInfoAsync);

    /// <summary>The caller's address; of an IPv6 one the network, which is one caller's whole.</summary>
    private static string Source(RestCall call)
    {
        var address = call.Context.Connection.RemoteIpAddress;
        if (address is null || address.AddressFamily != AddressFamily.InterNetworkV6 || PeerUrl.IsLocal(address))
            return address?.ToString() ?? "a local socket";
        return address.IsIPv4MappedToIPv6
            ? address.MapToIPv4().ToString()
            : Convert.ToHexStringLower(address.GetAddressBytes()[..8]) + "/64";
    }

    private async Task TakePartyInfoAsync(RestCall call)
    {
        var body = await call.BodyAsync().ConfigureAwait(false);
        var answer = await parties.ReceiveAsync(body, Source(call), call.Cancel, Features(call)).ConfigureAwait(false);
        if (identity?.Tag is { } tag)
            call.Context.Response.Headers[RestHeaders.Identity] = tag;
        await call.BytesAsync(200, answer).ConfigureAwait(false);
    }

    /// <summary>In one line with commas, or a line for each: both are seen.</summary>
    private static PeerFeatures Features(RestCall call)
    {
        var versions = call.Context.Request.Headers[RestHeaders.SupportedApiVersions]
            .SelectMany(line => (line ?? string.Empty).Split(',', StringSplitOptions.TrimEntries)).ToHashSet(StringComparer.Ordinal);
        return (versions.Contains("v2") ? PeerFeatures.PrivacyEnhancements : 0)
            | (versions.Contains("4.0") ? PeerFeatures.MandatoryRecipients : 0)
            | (versions.Contains(RestHeaders.CborApiVersion) ? PeerFeatures.Cbor : 0);
    }

    private async Task ProveAsync(RestCall call)
    {
        var body = await call.BodyAsync().ConfigureAwait(false);
        await call.TextAsync(200, await parties.ProveAsync(body, call.Cancel).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task IdentityAsync(RestCall call)
    {
        var nonce = await call.BodyAsync(MaxNonce).ConfigureAwait(false);
        var answer = identity is null ? null : await identity.AnswerAsync(nonce, call.Cancel).ConfigureAwait(false);
        await (answer is null ? call.TextAsync(404, "This manager's enclave has no identity") : call.BytesAsync(200, answer.Write()))
            .ConfigureAwait(false);
    }

    private async Task PartyInfoAsync(RestCall call)
    {
        var own = ownKeys.ActiveOrNull ?? [];
        KnownKey[] keys = [.. own.Select(k => new KnownKey(k, settings.AnnouncedUrl)), .. directory.ActiveKeys()];
        await call.JsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("url", settings.AnnouncedUrl);
            json.WriteStartArray("peers");
            // Itself too, as a Tessera does.
            foreach (var url in directory.Urls().Prepend(settings.AnnouncedUrl))
            {
                json.WriteStartObject();
                json.WriteString("url", url);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("keys");
            foreach (var known in keys)
            {
                json.WriteStartObject();
                json.WriteString("key", known.Key.ToBase64());
                json.WriteString("url", known.Url);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }
}
