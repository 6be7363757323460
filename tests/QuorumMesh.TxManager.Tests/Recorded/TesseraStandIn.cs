using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// A stand-in for a Tessera 21.1.1, as far as a network's move to ours touches it: its LEGACY codec and rows (its tables in SQLite), one
/// line of versions, its client's Accept, URLs compared as text, pushes of 3.75 seconds. <see cref="WalkTests"/> holds it against what a
/// real one was recorded to do.
/// </summary>
internal sealed class TesseraStandIn : IAsyncDisposable
{
    private const string Versions = "2.1,3.0,v1,v2";

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMilliseconds(3750) };
    private readonly ConcurrentDictionary<string, PublicKey[]> _network = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly PayloadSealer _enclave;
    private readonly PublicKey _key;
    private readonly string _url;
    private readonly string[] _peers;
    private readonly string _database;
    private readonly int _q2tPort;
    private WebApplication? _app;
    private Task _polls = Task.CompletedTask;

    /// <param name="url">As it and its peers spell it.</param>
    /// <param name="database">A SQLite file, made with Tessera's tables when it is not there.</param>
    public TesseraStandIn(string url, int q2tPort, PublicKey key, string privateKey, IEnumerable<string> peers, string database)
    {
        (_url, _q2tPort, _key, _peers, _database) = (url, q2tPort, key, [.. peers], database);
        var secret = new SecretBuffer(32);
        Convert.FromBase64String(privateKey).CopyTo(secret.Span);
        _enclave = new PayloadSealer(
            new KeyRing([new EnclaveKeyPair(key, secret, "key", "1", EnclaveKeyState.Active)]), new SharedKeyCache(16),
            System.Security.Cryptography.RandomNumberGenerator.Fill);
        _http.DefaultRequestHeaders.TryAddWithoutValidation(RestHeaders.SupportedApiVersions, Versions);
        _http.DefaultRequestHeaders.TryAddWithoutValidation("Accept", "text/html, image/gif, image/jpeg, */*; q=0.2");
    }

    public async Task StartAsync()
    {
        Execute("""
            CREATE TABLE IF NOT EXISTS ENCRYPTED_TRANSACTION (HASH BLOB NOT NULL, ENCODED_PAYLOAD BLOB NOT NULL, TIMESTAMP BIGINT,
                PRIMARY KEY (HASH));
            CREATE TABLE IF NOT EXISTS ENCRYPTED_RAW_TRANSACTION (HASH BLOB NOT NULL, ENCRYPTED_KEY BLOB NOT NULL,
                ENCRYPTED_PAYLOAD BLOB NOT NULL, NONCE BLOB NOT NULL, SENDER BLOB NOT NULL, TIMESTAMP BIGINT, PRIMARY KEY (HASH));
            CREATE TABLE IF NOT EXISTS PRIVACY_GROUP (ID BLOB NOT NULL, LOOKUP_ID BLOB, DATA BLOB, TIMESTAMP BIGINT, PRIMARY KEY (ID));
            """);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add(_url.TrimEnd('/'));
        _app.Urls.Add($"http://127.0.0.1:{_q2tPort}");
        _app.Run(HandleAsync);
        await _app.StartAsync();
        _polls = PollAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _polls;
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        _http.Dispose();
        _stop.Dispose();
        SqliteConnection.ClearAllPools();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer);
        var body = buffer.ToArray();
        try
        {
            await AnswerAsync(context, body);
        }
        catch (Refusal e)
        {
            await TextAsync(context, e.Status, e.Message);
        }
        catch (Exception e) when (e is WireFormatException or EnclaveException)
        {
            await TextAsync(context, 500, e.Message);
        }
    }

    private Task AnswerAsync(HttpContext context, byte[] body)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return (context.Request.Method, context.Request.Path.Value) switch
        {
            ("GET", "/upcheck") => TextAsync(context, 200, "I'm up!"),
            ("POST", "/partyinfo") => TakePartyInfoAsync(context, PartyInfoCodec.Decode(body)),
            ("GET", "/partyinfo") => ListAsync(context),
            ("POST", "/partyinfo/validate") => TextAsync(
                context, 200, Encoding.UTF8.GetString(_enclave.Open(LegacyPayloadCodec.Decode(body)).Payload)),
            ("POST", "/push") => PushAsync(context, LegacyPayloadCodec.Decode(body)),
            ("POST", "/send") => SendAsync(context, JsonDocument.Parse(body).RootElement),
            ("GET", _) when raw.StartsWith("/transaction/", StringComparison.Ordinal) => ReceiveAsync(
                context, Uri.UnescapeDataString(raw["/transaction/".Length..].Split('?')[0])),
            _ => TextAsync(context, 404, "HTTP 404 Not Found"),
        };
    }

    private async Task TakePartyInfoAsync(HttpContext context, PartyInfo info)
    {
        // Keys under another spelling of the URL are not the sender's.
        _network[info.Url] = [.. info.Recipients.Where(r => r.Url == info.Url).Select(r => r.Key)];
        context.Response.ContentType = "application/octet-stream";
        await context.Response.Body.WriteAsync(PartyInfoCodec.Encode(new PartyInfo(_url, [], [])));
    }

    private Task ListAsync(HttpContext context) => context.Response.WriteAsJsonAsync(new
    {
        url = _url,
        peers = _peers.Select(url => new { url }),
        keys = _network.SelectMany(n => n.Value.Select(k => new { key = k.ToBase64(), url = n.Key }))
            .Append(new { key = _key.ToBase64(), url = _url }),
    });

    private async Task PushAsync(HttpContext context, EncodedPayload payload)
    {
        Save(payload);
        await TextAsync(context, 201, payload.ComputeHash().ToBase64());
    }

    private async Task SendAsync(HttpContext context, JsonElement request)
    {
        PublicKey[] to = request.TryGetProperty("to", out var keys)
            ? [.. keys.EnumerateArray().Select(k => PublicKey.FromBase64(k.GetString()!))] : [];
        PublicKey[] recipients = [.. to.Append(_key).Distinct()];
        var payload = _enclave.Seal(request.GetProperty("payload").GetBytesFromBase64(), _key, recipients);
        foreach (var key in recipients.Where(k => k != _key))
        {
            var url = _network.FirstOrDefault(n => n.Value.Contains(key)).Key
                ?? throw new Refusal(404, $"Recipient not found for key: {key.ToBase64()}");
            await PushToAsync(url, payload.ForRecipient(key)!);
        }

        Save(payload);
        var hash = payload.ComputeHash().ToBase64();
        context.Response.StatusCode = 201;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync($$"""{"key":"{{hash}}"}""");
    }

    private async Task PushToAsync(string url, EncodedPayload payload)
    {
        using var content = new ByteArrayContent(LegacyPayloadCodec.Encode(payload));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        try
        {
            using var answer = await _http.PostAsync(new Uri(new Uri(url), "push"), content);
            if ((int)answer.StatusCode is not (200 or 201))
                throw new Refusal(500, $"Unable to push payload to recipient url {url}");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            _network.TryRemove(url, out _);
            throw new Refusal(410, $"Connection error while communicating with {url}");
        }
    }

    private async Task ReceiveAsync(HttpContext context, string hash)
    {
        var payload = Find(Convert.FromBase64String(hash)) ?? throw new Refusal(404, $"Message with hash {hash} was not found");
        await context.Response.WriteAsJsonAsync(new
        {
            payload = _enclave.Open(payload, _key).Payload,
            affectedContractTransactions = Array.Empty<string>(),
            execHash = "",
            privacyFlag = 0,
        });
    }

    private async Task PollAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            foreach (var peer in _peers.Where(p => p != _url))
                try
                {
                    using var content = new ByteArrayContent(PartyInfoCodec.Encode(
                        new PartyInfo(_url, [new RecipientEntry(_key, _url)], [_url, .. _network.Keys])));
                    content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                    using var answer = await _http.PostAsync(new Uri(new Uri(peer), "partyinfo"), content, _stop.Token);
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                {
                    _network.TryRemove(peer, out _);
                }

            await Task.Delay(200, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>As the real one's server: the first of text's types that the caller names.</summary>
    private static Task TextAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType =
            context.Request.Headers.Accept.ToString().StartsWith("text/html", StringComparison.Ordinal) ? "text/html" : "text/plain";
        return context.Response.WriteAsync(text);
    }

    private EncodedPayload? Find(byte[] hash)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT ENCODED_PAYLOAD FROM ENCRYPTED_TRANSACTION WHERE HASH = @hash";
        command.Parameters.AddWithValue("@hash", hash);
        return command.ExecuteScalar() is byte[] row ? LegacyPayloadCodec.Decode(row) : null;
    }

    private void Save(EncodedPayload payload)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO ENCRYPTED_TRANSACTION (HASH, ENCODED_PAYLOAD, TIMESTAMP) VALUES (@hash, @payload, @time)"
            + " ON CONFLICT (HASH) DO NOTHING";
        command.Parameters.AddWithValue("@hash", payload.ComputeHash().ToArray());
        command.Parameters.AddWithValue("@payload", LegacyPayloadCodec.Encode(payload));
        command.Parameters.AddWithValue("@time", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        command.ExecuteNonQuery();
    }

    private void Execute(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={_database};Default Timeout=30");
        connection.Open();
        return connection;
    }

    private sealed class Refusal(int status, string message) : Exception(message)
    {
        public int Status => status;
    }
}
