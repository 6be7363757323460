using System.Security.Cryptography;
using System.Text.Json;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Payloads as long as they may be, with the limits that a configuration has which says nothing of them.</summary>
public sealed class LargePayloadTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "qmbig" + Guid.NewGuid().ToString("N")[..10]);
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(3) };
    private readonly Participant _a;
    private readonly Participant _b;

    public LargePayloadTests()
    {
        _a = new Participant(Path.Combine(_directory, "a"), Keys.Private[0]) { HasDefaultLimits = true };
        _b = new Participant(Path.Combine(_directory, "b"), Keys.Private[1]) { HasDefaultLimits = true };
    }

    public async Task InitializeAsync()
    {
        foreach (var participant in new[] { _a, _b })
        {
            participant.WriteConfig([_a.P2P, _b.P2P], validateKeys: false, database: null, peerTimeoutMs: 60_000);
            await participant.StartEnclaveAsync();
            await participant.StartManagerAsync();
        }

        await Wait.UntilAsync(
            async () =>
                (await _http.GetStringAsync(_a.ThirdParty + "partyinfo/keys")).Contains(_b.Key.ToBase64(), StringComparison.Ordinal),
            "the managers know each other");
    }

    [LongFact]
    public async Task Longest_payload_goes_to_its_recipient_and_back()
    {
        var payload = RandomNumberGenerator.GetBytes(PayloadSender.MaxPayload);
        var json = JsonSerializer.SerializeToUtf8Bytes(new { payload, to = new[] { _b.Key.ToBase64() } });
        using var sent = await PostAsync(_a.Q2T + "send", json, "application/json");
        Assert.True((int)sent.StatusCode == 201, await sent.Content.ReadAsStringAsync());
        var hash = JsonDocument.Parse(await sent.Content.ReadAsByteArrayAsync()).RootElement.GetProperty("key").GetString()!;
        using var request = new HttpRequestMessage(HttpMethod.Get, _b.Q2T + "receiveraw");
        request.Headers.TryAddWithoutValidation("c11n-key", hash);
        using var received = await _http.SendAsync(request);
        Assert.Equal(SHA256.HashData(payload), SHA256.HashData(await received.Content.ReadAsByteArrayAsync()));
    }

    /// <summary>A client that writes all of its body before it reads sees the status, on a connection that lives on.</summary>
    [Fact]
    public async Task Longer_body_is_read_off_before_it_is_refused()
    {
        using var raw = await PostAsync(_a.P2P + "push", new byte[60_000_000], "application/octet-stream");
        Assert.Equal(413, (int)raw.StatusCode);
        Assert.NotEqual(true, raw.Headers.ConnectionClose);
        using var plain = await PostAsync(_a.Q2T + "sendraw", new byte[PayloadSender.MaxPayload + 1], "application/octet-stream");
        Assert.Equal(413, (int)plain.StatusCode);
        Assert.Equal("I'm up!", await _http.GetStringAsync(_a.Q2T + "upcheck"));
    }

    public async Task DisposeAsync()
    {
        foreach (var participant in new[] { _a, _b })
        {
            await participant.StopManagerAsync();
            await participant.StopEnclaveAsync();
        }

        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<HttpResponseMessage> PostAsync(string url, byte[] body, string type)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new(type);
        return await _http.PostAsync(url, content);
    }
}
