using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Tests;

/// <summary>
/// enclave.json: every call that a Tessera 21.1.1 made of its remote enclave, and every one that the recorder made, is made of ours, with
/// the same keys. Words of errors are Java's; their status is the same.
/// </summary>
public sealed class TesseraEnclaveTests : IAsyncLifetime, IDisposable
{
    private static readonly JsonElement Recording =
        JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/enclave.json")).RootElement;

    /// <summary>What ours answers although the recorded enclave cannot, and what it alone has.</summary>
    private static readonly Dictionary<string, string> Differs = new()
    {
        ["direct-metrics"] = "metrics are at the health address",
        ["direct-encrypt-min"] = "members that may be left out are",
        ["direct-unencrypt-no-key"] = "without a key any of ours opens it",
    };

    private readonly TempDirectory _directory = new();
    private readonly string _url = $"http://127.0.0.1:{FreePorts.One()}";
    private WebApplication _app = null!;

    public async Task InitializeAsync()
    {
        var files = new List<string>();
        foreach (var key in Recording.GetProperty("keys").EnumerateArray().Where(k => k.GetProperty("manager").GetString() == "A"))
        {
            using var secret = new SecretBuffer(32);
            key.GetProperty("privateKey").GetBytesFromBase64().CopyTo(secret.Span);
            files.Add(_directory.File(key.GetProperty("name").GetString()!));
            Assert.Equal(key.GetProperty("publicKey").GetString(), TesseraKeyFile.Write(files[^1], secret).ToString());
        }

        var config = _directory.File("enclave.json");
        await File.WriteAllTextAsync(config, JsonSerializer.Serialize(new
        {
            serverConfigs = new[] { new { app = "ENCLAVE", serverAddress = _url, communicationType = "REST" } },
            keys = new { keyData = files.Select(f => new { privateKeyPath = f + ".key", publicKeyPath = f + ".pub" }) },
            alwaysSendTo = Array.Empty<string>(),
        }));
        _app = await EnclaveHost.StartAsync(
            new EnclaveOptions(config, null, null, [], false) { ServesTessera = true }, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    [QuorumMesh.Tests.VectorFact]
    public async Task Every_recorded_call_is_answered_as_recorded()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        var (calls, problems) = (0, new List<string>());
        foreach (var (id, exchange) in Calls())
        {
            var request = exchange.GetProperty("request");
            var recorded = exchange.GetProperty("response");
            using var message = new HttpRequestMessage(
                new HttpMethod(request.GetProperty("method").GetString()!), _url + request.GetProperty("path").GetString());
            if (request.TryGetProperty("body", out var body))
                message.Content = new StringContent(body.GetString()!, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
            foreach (var header in request.GetProperty("headers").EnumerateArray())
                if (header[0].GetString() == "Accept")
                    message.Headers.TryAddWithoutValidation("Accept", header[1].GetString());
            using var answer = await http.SendAsync(message);
            calls++;
            var status = recorded.GetProperty("status").GetInt32();
            if (Differs.ContainsKey(id))
                Assert.False(IsSame(status, recorded, answer, await answer.Content.ReadAsByteArrayAsync()), id + " is the same");
            else if (status != (int)answer.StatusCode)
                problems.Add($"{id}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()} instead of {status}");
            else if (status == 200 && await CompareAsync(http, message, recorded, answer) is { } difference)
                problems.Add($"{id}: {difference}");
        }

        Assert.True(calls > 100, $"{calls} calls");
        Assert.Empty(problems);
    }

    [QuorumMesh.Tests.VectorTheory]
    [InlineData("""{"data":"AA==","senderKey":"\ud800"}""", "half of a surrogate pair")]
    [InlineData("""["AA=="]""", "must be a JSON object")]
    [InlineData("""{"data":1}""", "data")]
    public async Task What_cannot_be_read_is_refused_with_a_text(string body, string text)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        using var answer = await http.PostAsync(_url + "/encrypt", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(500, (int)answer.StatusCode);
        Assert.Contains(text, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static bool IsSame(int status, JsonElement recorded, HttpResponseMessage answer, byte[] body) =>
        status == (int)answer.StatusCode && Bytes(recorded).AsSpan().SequenceEqual(body);

    private static IEnumerable<(string Id, JsonElement Exchange)> Calls()
    {
        foreach (var start in Recording.GetProperty("start").EnumerateArray())
            if (IsOfEnclave(start))
                yield return ("start", start);
        foreach (var exchange in Recording.GetProperty("exchanges").EnumerateArray())
        {
            var id = exchange.GetProperty("id").GetString()!;
            if (IsOfEnclave(exchange))
                yield return (id, exchange);
            if (exchange.TryGetProperty("between", out var between))
                foreach (var call in between.EnumerateArray().Where(IsOfEnclave))
                    yield return (id + " between", call);
        }
    }

    private static bool IsOfEnclave(JsonElement exchange) =>
        exchange.GetProperty("server").GetString() == "ENCLAVE A" && exchange.GetProperty("response").ValueKind == JsonValueKind.Object;

    /// <returns>Null when it says the same; what is random is opened.</returns>
    private async Task<string?> CompareAsync(HttpClient http, HttpRequestMessage message, JsonElement recorded, HttpResponseMessage answer)
    {
        var (theirs, ours) = (Bytes(recorded), await answer.Content.ReadAsByteArrayAsync());
        var type = recorded.GetProperty("headers").EnumerateArray().Single(h => h[0].GetString() == "Content-Type")[1].GetString()!;
        if (answer.Content.Headers.ContentType?.MediaType != type.Split(';')[0])
            return $"type {answer.Content.Headers.ContentType} instead of {type}";
        return message.RequestUri!.AbsolutePath switch
        {
            "/encrypt" or "/encrypt/raw" => await ComparePayloadsAsync(http, message, theirs, ours),
            "/encrypt/toraw" => CompareRaw(theirs, ours),
            // The order is that of a Java hash set.
            "/public" => string.Join(' ', Texts(theirs)) == string.Join(' ', Texts(ours)) ? null : Encoding.UTF8.GetString(ours),
            _ => theirs.AsSpan().SequenceEqual(ours) ? null
                : $"{Convert.ToBase64String(ours)} instead of {Convert.ToBase64String(theirs)}",
        };
    }

    private async Task<string?> ComparePayloadsAsync(HttpClient http, HttpRequestMessage message, byte[] theirs, byte[] ours)
    {
        if (Describe(theirs) != Describe(ours))
            return $"{Describe(ours)} instead of {Describe(theirs)}";
        var request = JsonDocument.Parse(await message.Content!.ReadAsByteArrayAsync()).RootElement;
        if (!request.TryGetProperty("data", out var plain))
            return null;
        var sender = request.GetProperty("senderKey").GetString();
        using var opened = await http.PostAsync(_url + "/unencrypt", new StringContent(
            $$"""{"data":"{{Convert.ToBase64String(ours)}}","providedKey":"{{sender}}"}""", Encoding.UTF8, "application/json"));
        var text = Convert.ToBase64String(await opened.Content.ReadAsByteArrayAsync());
        return plain.GetString() == text ? null : $"it opens to {text}";
    }

    private static string? CompareRaw(byte[] theirs, byte[] ours)
    {
        static string Lengths(byte[] json) => string.Join(' ', JsonDocument.Parse(json).RootElement.EnumerateObject()
            .OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name} {p.Value.GetBytesFromBase64().Length}"));
        return Lengths(theirs) == Lengths(ours) ? null : $"{Lengths(ours)} instead of {Lengths(theirs)}";
    }

    private static string Describe(byte[] bytes)
    {
        var payload = LegacyPayloadCodec.Decode(bytes);
        return $"{bytes.Length} bytes from {payload.SenderKey} to {string.Join('+', payload.RecipientKeys)}, {payload.PrivacyMode}, "
            + "affects "
            + string.Join('+', payload.AffectedTransactions.Select(a => $"{a.Hash.ToBase64()} {a.SecurityHash.Length}"))
            + $", execHash {Convert.ToHexStringLower(payload.ExecutionHash)}, group {payload.PrivacyGroupId?.Length}";
    }

    private static IEnumerable<string> Texts(byte[] json) =>
        JsonDocument.Parse(json).RootElement.EnumerateArray().Select(k => k.GetString()!).Order(StringComparer.Ordinal);

    private static byte[] Bytes(JsonElement answer) => answer.TryGetProperty("body_base64", out var octets) ? octets.GetBytesFromBase64()
        : Encoding.UTF8.GetBytes(answer.TryGetProperty("body", out var text) ? text.GetString()! : string.Empty);
}
