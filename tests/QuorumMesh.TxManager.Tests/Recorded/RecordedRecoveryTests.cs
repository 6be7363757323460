using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// recovery.json: what the Tesseras B and C gave back to a manager A that had lost its database, given to ours in A's place. B and C are
/// played: their answers, and the batches that they push, are the recorded ones, byte by byte.
/// </summary>
public sealed class RecordedRecoveryTests : IAsyncLifetime
{
    private readonly JsonElement _recording = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/recovery.json")).RootElement;
    private readonly string _directory = Directory.CreateTempSubdirectory("qmrec").FullName;
    private readonly ConcurrentQueue<SeenCall> _seen = new();
    private readonly List<PeerProxy> _peers = [];
    private readonly int _port = FreePorts.One();

    private string Url => $"http://127.0.0.1:{_port}/";

    private string DatabaseFile => Path.Combine(_directory, "a.db");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var peer in _peers)
            await peer.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [QuorumMesh.Tests.VectorFact]
    public async Task A_manager_of_ours_asks_as_the_Tessera_did_and_has_the_rows_that_it_had()
    {
        foreach (var name in new[] { "B", "C" })
            await PlayAsync(name);
        Assert.Equal(0, await RecoverAsync());
        AssertAskedAsRecorded(Run("lost"));
        AssertRows(Run("lost").GetProperty("tables").GetProperty("ENCRYPTED_TRANSACTION"));

        // Once more with rows in the tables: nothing changes.
        Assert.Equal(0, await RecoverAsync());
        AssertRows(Run("lost").GetProperty("tables").GetProperty("ENCRYPTED_TRANSACTION"));
    }

    [QuorumMesh.Tests.VectorFact]
    public async Task A_peer_without_batches_is_asked_for_all_one_by_one()
    {
        await PlayAsync("C", hasBatches: false);
        Assert.Equal(0, await RecoverAsync());
        string[] asked = [.. _seen.Where(s => s.Path == "/resend").Select(s => System.Text.Encoding.UTF8.GetString(s.Body)).Order()];
        string[] recorded =
        [
            .. Run("mode").GetProperty("exchanges").EnumerateArray().Select(e => e.GetProperty("request"))
                .Where(r => r.GetProperty("path").GetString() == "/resend" && r.GetProperty("headers").GetArrayLength() > 0
                    && r.GetProperty("body").GetString()!.StartsWith("{\"publicKey\"", StringComparison.Ordinal))
                .Select(r => r.GetProperty("body").GetString()!).Order(),
        ];
        Assert.Equal(2, recorded.Length);
        Assert.Equal(recorded, asked);
    }

    private JsonElement Run(string name) =>
        _recording.GetProperty("runs").EnumerateArray().Single(r => r.GetProperty("name").GetString() == name);

    private IEnumerable<JsonElement> KeysOf(string manager) =>
        _recording.GetProperty("keys").EnumerateArray().Where(k => k.GetProperty("manager").GetString() == manager);

    private async Task<int> RecoverAsync()
    {
        var file = Path.Combine(_directory, "a.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new
        {
            jdbc = new { url = "jdbc:sqlite:" + DatabaseFile },
            serverConfigs = new object[]
            {
                new { app = "Q2T", serverAddress = $"http://127.0.0.1:{FreePorts.One()}", communicationType = "REST" },
                new
                {
                    app = "P2P", serverAddress = Url, communicationType = "REST", properties = new { partyInfoInterval = 1000 },
                },
            },
            features = new { enablePrivacyEnhancements = true },
            peer = _peers.Select(p => new { url = $"http://127.0.0.1:{p.Port}/" }),
            keys = new
            {
                keyData = KeysOf("A").Select(k => new
                {
                    privateKey = k.GetProperty("privateKey").GetString(),
                    publicKey = k.GetProperty("publicKey").GetString(),
                }),
            },
        }));
        return await RecoveryRun.RunAsync(() => ManagerConfig.Read(new CommandLineSettings(file, [])), default);
    }

    private async Task PlayAsync(string name, bool hasBatches = true)
    {
        var ring = new KeyRing([.. KeysOf(name).Select(k =>
        {
            var secret = new SecretBuffer(32);
            k.GetProperty("privateKey").GetBytesFromBase64().CopyTo(secret.Span);
            var key = PublicKey.FromBase64(k.GetProperty("publicKey").GetString()!);
            return new EnclaveKeyPair(key, secret, k.GetProperty("name").GetString()!, "1", EnclaveKeyState.Active);
        })]);
        var sealer = new PayloadSealer(ring, new SharedKeyCache(16), System.Security.Cryptography.RandomNumberGenerator.Fill);
        var port = FreePorts.One();
        var peer = new PeerProxy(name, port, _seen)
        {
            Answer = (context, body) => AnswerAsync(context, body, name, $"http://127.0.0.1:{port}/", ring, sealer, hasBatches),
        };
        _peers.Add(peer);
        await peer.StartAsync();
    }

    private async Task<int?> AnswerAsync(
        HttpContext context, byte[] body, string name, string url, KeyRing ring, PayloadSealer sealer, bool hasBatches)
    {
        switch (context.Request.Path.Value)
        {
            case "/partyinfo/validate":
                await context.Response.Body.WriteAsync(sealer.Open(LegacyPayloadCodec.Decode(body)).Payload);
                break;
            case "/partyinfo" when context.Request.Method == "GET":
                await context.Response.WriteAsJsonAsync(new
                {
                    url,
                    peers = Array.Empty<object>(),
                    keys = KeysOf("A").Select(k => new { key = k.GetProperty("publicKey").GetString(), url = Url }),
                });
                break;
            case "/partyinfo":
                // As a Tessera it polls too: else nobody knows its keys.
                _ = AnnounceAsync(url, ring);
                break;
            case "/resendBatch" when hasBatches:
                var key = JsonDocument.Parse(body).RootElement.GetProperty("publicKey").GetString()!;
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync($$"""{"total":{{await GiveBackAsync(name, key)}}}""");
                break;
            case "/resend":
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }

        return context.Response.StatusCode;
    }

    private async Task AnnounceAsync(string url, KeyRing ring)
    {
        using var http = new HttpClient();
        using var content = new ByteArrayContent(
            PartyInfoCodec.Encode(new PartyInfo(url, [.. ring.Keys.Select(k => new RecipientEntry(k.PublicKey, url))], [])));
        content.Headers.ContentType = new("application/octet-stream");
        using var answer = await http.PostAsync(Url + "partyinfo", content);
    }

    /// <summary>Pushes the recorded batches of a manager for a key; in the recording they lie before the answer or behind it.</summary>
    private async Task<int> GiveBackAsync(string name, string key)
    {
        var own = KeysOf(name).Select(k => k.GetProperty("publicKey").GetString()!).ToHashSet();
        using var http = new HttpClient();
        foreach (var exchange in Run("lost").GetProperty("exchanges").EnumerateArray())
        {
            var request = exchange.GetProperty("request");
            if (request.GetProperty("path").GetString() != "/pushBatch" || !IsFor(request.GetProperty("body").GetString()!, own, key))
                continue;
            using var content = new StringContent(request.GetProperty("body").GetString()!, null, "application/json");
            using var answer = await http.PostAsync(Url + "pushBatch", content);
            Assert.Equal(exchange.GetProperty("response").GetProperty("status").GetInt32(), (int)answer.StatusCode);
            Assert.Equal("", await answer.Content.ReadAsStringAsync());
        }

        return 1;
    }

    /// <summary>Of the one manager what it sent to the key, and what the key sent to it.</summary>
    private static bool IsFor(string batch, HashSet<string> own, string key)
    {
        var first = LegacyPayloadCodec.Decode(
            JsonDocument.Parse(batch).RootElement.GetProperty("encodedPayloads")[0].GetBytesFromBase64());
        string[] keys = [first.SenderKey.ToBase64(), .. first.RecipientKeys.Select(k => k.ToBase64())];
        return keys.Contains(key) && keys.Any(own.Contains);
    }

    private void AssertAskedAsRecorded(JsonElement run)
    {
        string[] recorded =
        [
            .. run.GetProperty("exchanges").EnumerateArray()
                .Where(e => e.GetProperty("request").GetProperty("path").GetString() == "/resendBatch")
                .Select(e => $"{e.GetProperty("server").GetString()} {e.GetProperty("request").GetProperty("body").GetString()}")
                .Order(StringComparer.Ordinal),
        ];
        string[] ours =
        [
            .. _seen.Where(s => s.Path == "/resendBatch").Select(s => $"P2P {s.To} {System.Text.Encoding.UTF8.GetString(s.Body)}")
                // Payloads that build on another manager's are asked for in a round more.
                .Distinct().Order(StringComparer.Ordinal),
        ];
        Assert.Equal(4, recorded.Length);
        Assert.Equal(recorded, ours);
    }

    /// <summary>Sender, ciphertext, privacy, and each key with the very box.</summary>
    private void AssertRows(JsonElement rows)
    {
        string[] recorded =
        [
            .. rows.EnumerateArray()
                .Select(r => LegacyPayloadCodec.Decode(Convert.FromHexString(r.GetProperty("ENCODED_PAYLOAD").GetString()!)))
                .Select(Describe).Order(StringComparer.Ordinal),
        ];
        using var store = PayloadStore.Open(new SqliteProvider(DatabaseFile), TimeProvider.System);
        var page = store.PageAsync(null, 1000, default).GetAwaiter().GetResult();
        Assert.NotEmpty(recorded);
        Assert.Equal(recorded, page.Payloads.Select(p => Describe(p.Payload!)).Order(StringComparer.Ordinal));
    }

    /// <summary>Its own box the sender makes anew, of the same bytes: the nonce is the payload's. The order is that of arrival.</summary>
    private static string Describe(EncodedPayload payload) =>
        $"{payload.ComputeHash().ToBase64()} {payload.SenderKey.ToBase64()} {payload.PrivacyMode} "
            + $"affects {string.Join('+', payload.AffectedTransactions.Select(a => a.Hash.ToBase64()).Order(StringComparer.Ordinal))} "
            + string.Join(' ', payload.RecipientKeys.Zip(payload.RecipientBoxes)
                .Select(pair => $"{pair.First.ToBase64()}={Convert.ToHexStringLower(pair.Second)}").Order(StringComparer.Ordinal));
}
