using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Contracts;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Privacy;

/// <summary>
/// Tessera's (or Constellation's) REST interface for nodes, over a Unix socket or HTTP. What it offers is found out at the first
/// call, as GoQuorum does. REST has no stream of late payloads: the node asks again for those that were not here.
/// </summary>
public sealed class Q2tTransactionManager : ITransactionManager, IManagerProbe, IDisposable
{
    private const int MaxAnswer = 32 * 1024 * 1024;
    private const int MaxErrorText = 500;
    private const int Parallel = 16;
    private const int FirstGroup = 4;

    /// <summary>Payloads given at once: after it the caller asks again.</summary>
    private const int AnswerBytes = 4 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly ManagerTimeouts _timeouts;
    private readonly SemaphoreSlim _parallel = new(Parallel);
    private volatile Q2tApi? _api;

    /// <param name="socketPath">A Unix socket; null when <paramref name="url"/> is given.</param>
    /// <param name="tls">For an https address; null goes by the machine's own list of CAs.</param>
    public Q2tTransactionManager(string? socketPath, Uri? url = null, ManagerTimeouts? timeouts = null, OutboundHandlers? handlers = null,
        TlsClient? tls = null)
    {
        if (socketPath is null == url is null)
            throw new ArgumentException("either a socket path or an address is needed");
        _timeouts = timeouts ?? ManagerTimeouts.Default;
        var limits = OutboundLimits.Manager with { Connect = _timeouts.Dial };
        _http = new HttpClient((handlers ?? new OutboundHandlers()).Create(limits, socketPath, "manager", tls))
        {
            BaseAddress = url is null ? new Uri("http://c/") : new Uri(url.AbsoluteUri.TrimEnd('/') + "/"),
            MaxResponseContentBufferSize = MaxAnswer,
            // Each call has its own limit (ExchangeAsync): a send waits for the slowest recipient, a question must not.
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <inheritdoc/>
    public bool Enabled => true;

    /// <inheritdoc/>
    public bool TellsOfLatePayloads => false;

    /// <inheritdoc/>
    public async Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var api = await ApiAsync(cancellation).ConfigureAwait(false);
        api.Require(arguments.Privacy);
        if (api.Legacy)
        {
            using var raw = Octets("sendraw", arguments.Payload, arguments.PrivateFor);
            if (!string.IsNullOrEmpty(arguments.PrivateFrom))
                raw.Headers.TryAddWithoutValidation(RestHeaders.Sender, Header("privateFrom", arguments.PrivateFrom));
            return arguments.AnswerOf(HashOf(await TextAsync(raw, _timeouts.Send, cancellation).ConfigureAwait(false)));
        }

        var body = new Q2tSendRequest(
            Convert.ToBase64String(arguments.Payload), NullIfEmpty(arguments.PrivateFrom), arguments.PrivateFor,
            Affected(arguments.Privacy), NullIfEmpty(arguments.Privacy.ExecutionHash), (int)arguments.Privacy.Mode,
            Mandatory(arguments.Privacy));
        using var request = Post("send", body, Q2tJson.Default.Q2tSendRequest, api.SendType);
        var reply = await JsonAsync(request, Q2tJson.Default.Q2tSendReply, _timeouts.Send, cancellation).ConfigureAwait(false);
        try
        {
            return arguments.AnswerOf(HashOf(reply?.Key)) with
            {
                SenderKey = KeyOrNull(reply?.SenderKey),
                ManagedParties = Keys(reply?.ManagedParties),
            };
        }
        catch (FormatException e)
        {
            throw new TransactionManagerException($"private transaction manager answered with a key that is not base64: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var api = await ApiAsync(cancellation).ConfigureAwait(false);
        var body = new Q2tStoreRequest(Convert.ToBase64String(payload), NullIfEmpty(privateFrom));
        using var request = Post("storeraw", body, Q2tJson.Default.Q2tStoreRequest, api.OtherType);
        var reply = await JsonAsync(request, Q2tJson.Default.Q2tKeyReply, _timeouts.Receive, cancellation).ConfigureAwait(false);
        return HashOf(reply?.Key);
    }

    /// <inheritdoc/>
    public async Task SendSignedAsync(
        PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(privateFor);
        ArgumentNullException.ThrowIfNull(privacy);
        var api = await ApiAsync(cancellation).ConfigureAwait(false);
        api.Require(privacy);
        using var request = api.SignedByJson
            ? Post("sendsignedtx",
                new Q2tSendSignedRequest(hash.ToBase64(), privateFor, Affected(privacy), NullIfEmpty(privacy.ExecutionHash),
                    (int)privacy.Mode, Mandatory(privacy)),
                Q2tJson.Default.Q2tSendSignedRequest, api.SendType)
            : Octets("sendsignedtx", hash.ToArray(), privateFor);
        await TextAsync(request, _timeouts.Send, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ReceiveStoredAsync(PayloadHash hash, CancellationToken cancellation)
    {
        var api = await ApiAsync(cancellation).ConfigureAwait(false);
        if (api.Legacy) return null;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"transaction/{Uri.EscapeDataString(hash.ToBase64())}?isRaw=true");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(api.OtherType));
        using var response = await ExchangeAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        // As GoQuorum: what is not there is told by the call that sends it.
        if (response.StatusCode == HttpStatusCode.NotFound) return null;
        if (response.StatusCode != HttpStatusCode.OK)
            throw new TransactionManagerException(await FailureAsync(request, response).ConfigureAwait(false));
        var answer = await HereAsync(api, hash, response, cancellation).ConfigureAwait(false);
        return answer.Payload ?? throw new TransactionManagerException(answer.Reason ?? "the manager answered without a payload");
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> MandatoryRecipientsAsync(PayloadHash hash, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"transaction/{Uri.EscapeDataString(hash.ToBase64())}/mandatory");
        var text = await TextAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        return text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <inheritdoc/>
    public async Task<bool> IsSenderAsync(PayloadHash hash, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"transaction/{Uri.EscapeDataString(hash.ToBase64())}/isSender");
        using var response = await ExchangeAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound) return false;
        if (response.StatusCode != HttpStatusCode.OK)
            throw new TransactionManagerException(await FailureAsync(request, response).ConfigureAwait(false));
        var text = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
        return bool.TryParse(text, out var isSender) ? isSender
            : throw new TransactionManagerException("private transaction manager answered isSender with neither true nor false");
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ParticipantsAsync(PayloadHash hash, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"transaction/{Uri.EscapeDataString(hash.ToBase64())}/participants");
        var text = await TextAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        return text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <inheritdoc/>
    public async Task<SealedPayload> SealAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var api = await ApiAsync(cancellation).ConfigureAwait(false);
        var body = new Q2tSendRequest(Convert.ToBase64String(payload), NullIfEmpty(privateFrom), [], [], null, 0, null);
        using var request = Post("encodedpayload/create", body, Q2tJson.Default.Q2tSendRequest, api.OtherType);
        var text = await TextAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        return SealedPayload.Read(Encoding.UTF8.GetBytes(text))
            ?? throw new TransactionManagerException("private transaction manager answered encodedpayload/create with something else");
    }

    /// <inheritdoc/>
    public async Task<byte[]?> OpenAsync(SealedPayload payload, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var api = await ApiAsync(cancellation).ConfigureAwait(false);
        using var request = Post("encodedpayload/decrypt", payload.ToJson(), api.OtherType);
        using var response = await ExchangeAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        // Its word on a payload, not a fault: it has no key for it, or it is no payload.
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest) return null;
        if (response.StatusCode != HttpStatusCode.OK)
            throw new TransactionManagerException(await FailureAsync(request, response).ConfigureAwait(false))
            {
                IsItsOwnFault = response.StatusCode == HttpStatusCode.InternalServerError,
            };
        var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize(body, Q2tJson.Default.Q2tReceiveReply) is { Payload: { } opened }
                ? Convert.FromBase64String(opened) : throw new FormatException("it has no payload");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new TransactionManagerException($"private transaction manager's answer cannot be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        using var span = TransactionTraces.PayloadFetch(hashes.Count);
        var answers = new List<PayloadAnswer>(hashes.Count);
        for (var (group, bytes) = (FirstGroup, 0L); answers.Count < hashes.Count
            && bytes < AnswerBytes; group = Math.Min(group * 2, Parallel))
        {
            var some = await Task.WhenAll(hashes.Skip(answers.Count).Take(group).Select(hash => ReceiveOneAsync(hash, cancellation)))
                .ConfigureAwait(false);
            answers.AddRange(some);
            bytes += some.Sum(a => (long)(a.Payload?.Length ?? 0));
        }
        return answers;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(false);
        yield break;
    }

    /// <inheritdoc/>
    public async ValueTask<bool?> KnowsPrivacyFlagsAsync(CancellationToken cancellation)
    {
        try
        {
            return (await ApiAsync(cancellation).ConfigureAwait(false)).KnowsPrivacyFlags;
        }
        catch (TransactionManagerException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<string?> CheckAsync(CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "upcheck");
            await TextAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
            return null;
        }
        catch (TransactionManagerException e)
        {
            return e.Message;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _parallel.Dispose();
    }

    private async Task<PayloadAnswer> ReceiveOneAsync(PayloadHash hash, CancellationToken cancellation)
    {
        await _parallel.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var api = await ApiAsync(cancellation).ConfigureAwait(false);
            using var request = ReceiveRequest(api, hash);
            using var response = await ExchangeAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => await HereAsync(api, hash, response, cancellation).ConfigureAwait(false),
                // 404 alone makes a stranger. A 500 may be a key that Tessera lacks, or its database gone: the node waits.
                HttpStatusCode.NotFound => NotHere(hash, response),
                _ => PayloadAnswer.Unavailable(hash, await FailureAsync(request, response).ConfigureAwait(false)),
            };
        }
        catch (TransactionManagerException e)
        {
            return PayloadAnswer.Unavailable(hash, e.Message);
        }
        finally
        {
            _parallel.Release();
        }
    }

    private static HttpRequestMessage ReceiveRequest(Q2tApi api, PayloadHash hash)
    {
        if (!api.Legacy)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, $"transaction/{Uri.EscapeDataString(hash.ToBase64())}?isRaw=false");
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(api.OtherType));
            return request;
        }

        var raw = new HttpRequestMessage(HttpMethod.Get, "receiveraw");
        raw.Headers.TryAddWithoutValidation(RestHeaders.PayloadKey, hash.ToBase64());
        return raw;
    }

    private static async Task<PayloadAnswer> HereAsync(Q2tApi api, PayloadHash hash, HttpResponseMessage response,
        CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        if (api.Legacy)
            return PayloadAnswer.Here(hash, body);
        try
        {
            return JsonSerializer.Deserialize(body, Q2tJson.Default.Q2tReceiveReply) is { Payload: not null } reply
                ? HereOf(hash, reply)
                : PayloadAnswer.Unavailable(hash, "the manager answered without a payload");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return PayloadAnswer.Unavailable(hash, $"the manager's answer cannot be read: {e.Message}");
        }
    }

    /// <exception cref="FormatException">A field is not what Tessera puts there.</exception>
    private static PayloadAnswer HereOf(PayloadHash hash, Q2tReceiveReply reply)
    {
        var flag = reply.PrivacyFlag ?? 0;
        if (flag is < 0 or > byte.MaxValue || !Enum.IsDefined((PrivacyMode)flag))
            throw new FormatException($"privacyFlag {flag} is not known");
        return PayloadAnswer.Here(hash, Convert.FromBase64String(reply.Payload!)) with
        {
            PrivacyMode = (PrivacyMode)flag,
            AffectedTransactions = [.. (reply.AffectedContractTransactions ?? []).Select(Affected)],
            // Not decoded: Tessera keeps the bytes of the text itself (tessera 1.2).
            ExecutionHash = Encoding.UTF8.GetBytes(reply.ExecHash ?? ""),
            SenderKey = KeyOrNull(reply.SenderKey),
            ManagedParties = Keys(reply.ManagedParties),
        };
    }

    private static PayloadHash Affected(string base64) => PayloadHash.TryFromBase64(base64, out var hash) ? hash
        : throw new FormatException("affectedContractTransactions has an entry that is no hash");

    private static PayloadAnswer NotHere(PayloadHash hash, HttpResponseMessage response) =>
        // A header of our managers. With Tessera's plain 404 a lost payload cannot be told from a foreign one.
        response.Headers.TryGetValues(RestHeaders.Availability, out var values)
            && values.Contains(RestHeaders.Missing, StringComparer.OrdinalIgnoreCase)
            ? PayloadAnswer.Missing(hash)
            : PayloadAnswer.NotAParty(hash);

    private async ValueTask<Q2tApi> ApiAsync(CancellationToken cancellation)
    {
        if (_api is { } known)
            return known;
        using (var up = new HttpRequestMessage(HttpMethod.Get, "upcheck"))
            await TextAsync(up, _timeouts.Receive, cancellation).ConfigureAwait(false);
        using var version = new HttpRequestMessage(HttpMethod.Get, "version");
        using var answer = await ExchangeAsync(version, _timeouts.Receive, cancellation).ConfigureAwait(false);
        var found = answer.StatusCode == HttpStatusCode.OK ? await VersionsAsync(cancellation).ConfigureAwait(false) : Q2tApi.Constellation;
        _api = found;
        return found;
    }

    private async Task<Q2tApi> VersionsAsync(CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "version/api");
        using var response = await ExchangeAsync(request, _timeouts.Receive, cancellation).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
            return Q2tApi.Parse([]);
        try
        {
            var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            return Q2tApi.Parse(JsonSerializer.Deserialize(body, Q2tJson.Default.StringArray) ?? []);
        }
        catch (JsonException)
        {
            return Q2tApi.Parse([]);
        }
    }

    private async Task<T?> JsonAsync<T>(HttpRequestMessage request, JsonTypeInfo<T> type, TimeSpan limit, CancellationToken cancellation)
    {
        var text = await TextAsync(request, limit, cancellation).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize(text, type);
        }
        catch (JsonException e)
        {
            throw new TransactionManagerException($"private transaction manager's answer is not JSON: {e.Message}", e);
        }
    }

    /// <summary>The body of a 200 or 201; anything else is an exception.</summary>
    private async Task<string> TextAsync(HttpRequestMessage request, TimeSpan limit, CancellationToken cancellation)
    {
        using var response = await ExchangeAsync(request, limit, cancellation).ConfigureAwait(false);
        return response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created
            ? await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false)
            : throw new TransactionManagerException(await FailureAsync(request, response).ConfigureAwait(false));
    }

    private async Task<HttpResponseMessage> ExchangeAsync(HttpRequestMessage request, TimeSpan limit, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(limit);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, limited.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TransactionManagerException($"private transaction manager did not answer within {limit.TotalSeconds} s", e);
        }
        catch (HttpRequestException e)
        {
            // It may come back as another version.
            _api = null;
            throw new TransactionManagerException($"private transaction manager is not reachable: {OutboundHandlers.Reason(e)}", e);
        }
    }

    /// <summary>In GoQuorum's words: those of its JSON client from 20.10 on, else of its older one.</summary>
    private static async Task<string> FailureAsync(HttpRequestMessage request, HttpResponseMessage response)
    {
        var text = (await response.Content.ReadAsStringAsync().ConfigureAwait(false)).ReplaceLineEndings(" ").Trim();
        var isJson = request.Content?.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
        var status = isJson ? $"{(int)response.StatusCode} status"
            : $"Non-200 status code: {(int)response.StatusCode} {response.ReasonPhrase}";
        return text.Length == 0 ? status : $"{status}: {(text.Length > MaxErrorText ? text[..MaxErrorText] + "…" : text)}";
    }

    private static HttpRequestMessage Post<T>(string path, T body, JsonTypeInfo<T> type, string mediaType) =>
        Post(path, JsonSerializer.SerializeToUtf8Bytes(body, type), mediaType);

    private static HttpRequestMessage Post(string path, byte[] json, string mediaType)
    {
        // A buffered body: Content-Length, never chunked, as old managers want it.
        var content = new ByteArrayContent(json);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(mediaType));
        return request;
    }

    private static HttpRequestMessage Octets(string path, byte[] body, IReadOnlyList<string> privateFor)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.TryAddWithoutValidation(RestHeaders.Recipients, string.Join(',', privateFor.Select(k => Header("privateFor", k))));
        return request;
    }

    /// <summary>Only base64 goes into a header, so that nothing can be smuggled in.</summary>
    private static string Header(string field, string key)
    {
        RecipientKeys.Decode(field, key);
        return key;
    }

    private static byte[]? KeyOrNull(string? base64) => string.IsNullOrEmpty(base64) ? null : Convert.FromBase64String(base64);

    private static byte[][] Keys(IReadOnlyList<string>? base64) => base64 is null ? [] : [.. base64.Select(Convert.FromBase64String)];

    private static string[] Affected(SendPrivacy privacy) => [.. privacy.Affected.Select(hash => hash.ToBase64())];

    private static IReadOnlyList<string>? Mandatory(SendPrivacy privacy) => privacy.MandatoryFor.Count == 0 ? null : privacy.MandatoryFor;

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static PayloadHash HashOf(string? base64) =>
        PayloadHash.TryFromBase64(base64?.Trim(), out var hash)
            ? hash
            : throw new TransactionManagerException($"private transaction manager answered without a hash of {PayloadHash.Size} bytes");
}
