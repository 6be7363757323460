using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Outbound;
using QuorumMesh.TxManager.Core.EnclaveClient;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.Tests.Shared.Managers;

/// <summary>Three participants that know each other; the first two have the public sample keys S and R.</summary>
public class TestNetwork : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "qm" + Guid.NewGuid().ToString("N")[..10]);
    private readonly bool _validateKeys;

    public TestNetwork()
        : this(false)
    {
    }

    protected TestNetwork(bool validateKeys) => _validateKeys = validateKeys;

    internal Participant A { get; private set; } = null!;

    internal Participant B { get; private set; } = null!;

    internal Participant C { get; private set; } = null!;

    internal HttpClient Http { get; } = new() { Timeout = Wait.Limit };

    internal Participant[] All => [A, B, C];

    /// <summary>How long a call to another manager may take.</summary>
    private protected virtual int PeerTimeoutMs => 20_000;

    private protected virtual bool TesseraPeers => false;

    private protected virtual bool HasPrivacyEnhancements => false;

    private protected virtual bool HaveIdentities => false;

    /// <summary>Tessera's sslConfig of the three's P2P servers; null speaks plain text.</summary>
    /// <param name="directory">For its files.</param>
    private protected virtual object? Ssl(int index, string directory) => null;

    /// <summary>Databases of the three; null takes SQLite.</summary>
    protected virtual string? Database(int index) => null;

    public virtual async Task InitializeAsync()
    {
        A = Make("a", Keys.Private[0]);
        B = Make("b", Keys.Private[1]);
        C = Make("c", null);
        for (var i = 0; i < 3; i++)
            if (Ssl(i, Path.Combine(_directory, "abc"[i].ToString())) is { } ssl) All[i].UseTls(ssl);
        for (var i = 0; i < 3; i++)
        {
            All[i].WriteConfig(All.Select(p => p.P2P), _validateKeys, Database(i), PeerTimeoutMs, TesseraPeers);
            await All[i].StartEnclaveAsync();
            await All[i].StartManagerAsync();
        }

        await WaitForMeshAsync();
    }

    private Participant Make(string name, string? privateKey) =>
        new(Path.Combine(_directory, name), privateKey)
        {
            HasPrivacyEnhancements = HasPrivacyEnhancements,
            HasIdentity = HaveIdentities,
        };

    internal Task WaitForMeshAsync() => Wait.UntilAsync(async () =>
    {
        foreach (var participant in All)
        {
            var keys = await Http.GetStringAsync(participant.ThirdParty + "partyinfo/keys");
            if (All.Any(p => !keys.Contains(p.Key.ToBase64(), StringComparison.Ordinal)))
                return false;
        }

        return true;
    }, "every manager knows every key");

    /// <summary>As <see cref="WaitForMeshAsync"/>, also while a manager still starts.</summary>
    internal Task WaitForMeshAsyncOrRetry() => Wait.UntilAsync(async () =>
    {
        try
        {
            await WaitForMeshAsync();
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }, "every manager answers");

    public virtual async Task DisposeAsync()
    {
        foreach (var participant in All)
        {
            await participant.StopManagerAsync();
            await participant.StopEnclaveAsync();
        }

        Http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    internal static string Escape(string hash) => Uri.EscapeDataString(hash);

    /// <summary>Sends as GoQuorum 2.5 does and gives the hash.</summary>
    internal async Task<string> SendRawAsync(Participant from, string payload, params Participant[] to)
    {
        using var answer = await PostRawAsync(from, payload, to);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == System.Net.HttpStatusCode.OK, $"{(int)answer.StatusCode} {text}");
        return text;
    }

    internal Task<HttpResponseMessage> PostRawAsync(Participant from, string payload, params Participant[] to) =>
        PostRawAsync(Http, from, payload, to);

    internal static async Task<HttpResponseMessage> PostRawAsync(HttpClient client, Participant from, string payload,
        params Participant[] to)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, from.Q2T + "sendraw");
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(payload));
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Headers.TryAddWithoutValidation("c11n-to", string.Join(",", to.Select(p => p.Key.ToBase64())));
        return await client.SendAsync(request);
    }

    internal async Task<HttpResponseMessage> ReceiveRawAsync(Participant at, string hash)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, at.Q2T + "receiveraw");
        request.Headers.TryAddWithoutValidation("c11n-key", hash);
        return await Http.SendAsync(request);
    }

    internal async Task<(int Status, string Body)> PostJsonAsync(string url, string json, string type = "application/json")
    {
        using var answer = await Http.PostAsync(url, new StringContent(json, Encoding.UTF8, type));
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    internal async Task<(int Status, string Body)> PostBytesAsync(string url, byte[] bytes)
    {
        using var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new("application/octet-stream");
        using var answer = await Http.PostAsync(url, content);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Asks for one payload as a holder of the key: with the text of the challenge that the first answer has.</summary>
    internal async Task<(int Status, byte[] Body)> ResendOneAsync(Participant at, Participant holder, string hash)
    {
        var json = System.Text.Json.JsonSerializer.Serialize(new { type = "INDIVIDUAL", publicKey = holder.Key.ToBase64(), key = hash });
        using var asked = await Http.PostAsync(at.P2P + "resend", new StringContent(json, Encoding.UTF8, "application/json"));
        Assert.Equal(401, (int)asked.StatusCode);
        var challenge = Convert.FromBase64String(Assert.Single(asked.Headers.GetValues(RestHeaders.ResendChallenge)));
        using var enclave = new GrpcEnclave("unix:" + holder.EnclaveSocket, Wait.Limit, new OutboundHandlers());
        var opened = await enclave.OpenAsync(Contracts.Payloads.LegacyPayloadCodec.Decode(challenge), holder.Key, default);
        using var request = new HttpRequestMessage(HttpMethod.Post, at.P2P
            + "resend")
        { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        request.Headers.Add(RestHeaders.ResendProof, Encoding.UTF8.GetString(opened.Payload));
        using var answer = await Http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsByteArrayAsync());
    }

    internal async Task<(int Status, string Body)> GetAsync(string url)
    {
        using var answer = await Http.GetAsync(url);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}

/// <summary>As <see cref="TestNetwork"/> with remote key validation on.</summary>
public sealed class ValidatingNetwork() : TestNetwork(true);
