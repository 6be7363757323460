using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polly;
using Polly.Retry;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Outbound;
using QuorumMesh.Tls;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>
/// Calls other managers over Tessera's P2P REST: HTTP/1.1 on pooled connections, pushes on a <see cref="PeerLane"/> for each peer.
/// </summary>
public sealed class PeerClient : IPeerClient, IReceiptSource, IDisposable
{
    private const int MaxAnswer = 1024 * 1024;

    /// <summary>Peers with a lane before the idle ones are let go.</summary>
    private const int MaxLanes = 1024;

    /// <summary>Characters of a header that names an announcement; one has 43.</summary>
    private const int MaxTag = 100;

    /// <summary>Bytes of a push that may go with others.</summary>
    private const int MaxTogether = 64 * 1024;

    private static readonly MediaTypeHeaderValue OctetStream = new("application/octet-stream");
    /// <summary>Base64's plus as it is.</summary>
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>Of it the names are made under which peers note our receipts: each knows its own alone; a start makes others.</summary>
    private readonly byte[] _receiptSecret = RandomNumberGenerator.GetBytes(ReceiptLists.NameSize);

    private readonly HttpClient _http;
    private readonly ResiliencePipeline<HttpResponseMessage> _retry;
    private readonly ConcurrentDictionary<string, PeerLane> _lanes = new();
    private readonly PeerClientOptions _options;
    private readonly TimeProvider _clock;

    /// <param name="tls">For peers with https URLs; null goes by the machine's own list of CAs.</param>
    public PeerClient(PeerClientOptions options, OutboundHandlers handlers, TimeProvider? clock = null, TlsClient? tls = null)
    {
        _options = options;
        _clock = clock ?? TimeProvider.System;
        _http = new HttpClient(handlers.Create(OutboundLimits.Peers with { Connect = options.ConnectTimeout }, tls: tls))
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswer,
        };
        // A peer that restarts leaves dead connections in the pool; a push may be repeated because it is idempotent at the receiver.
        // Tessera's own client repeats it once too (tessera 13.2).
        _retry = new ResiliencePipelineBuilder<HttpResponseMessage>().AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            MaxRetryAttempts = 1,
            Delay = TimeSpan.FromMilliseconds(50),
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>().Handle<HttpRequestException>(e => e.StatusCode is null),
        }).Build();
    }

    /// <summary>Whether a peer's identity is known: receipts that nobody can check are not asked for.</summary>
    public Func<string, bool> HasShownIdentity { get; set; } = _ => true;

    /// <summary>A peer stopped taking pushes, or takes them again: a line for the log. Called on the thread of a push.</summary>
    public event Action<string>? Told;

    /// <inheritdoc/>
    public IReadOnlyList<string> WithReceipts() => [.. _lanes.Where(l => l.Value.HasNotes).Select(l => l.Key)];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<DeliveryReceipts>> FetchReceiptsAsync(string peerUrl, CancellationToken cancel)
    {
        var lane = Lane(peerUrl);
        lane.Look(again: false);
        DeliveryReceipts[] lists;
        try
        {
            var body = await AskReceiptsAsync(lane, cancel).ConfigureAwait(false);
            lists = [.. ReceiptLists.Read(body).Select(l => DeliveryReceipts.Read(l))];
        }
        catch (WireFormatException e)
        {
            throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} gave what are no receipts: {e.Message}", e);
        }
        catch (PrivacyException)
        {
            lane.Look(again: true);
            throw;
        }

        return lane.TakeReceipts(lists.Sum(l => l.Deliveries.Count))
            ? lists
            : throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} gave receipts for more than was pushed to it");
    }

    private async Task<byte[]> AskReceiptsAsync(PeerLane lane, CancellationToken cancel)
    {
        var peerUrl = lane.PeerUrl;
        using var content = new ByteArrayContent(Convert.FromBase64String(lane.ReceiptName));
        content.Headers.ContentType = OctetStream;
        using var request = new HttpRequestMessage(HttpMethod.Post, Target(peerUrl, ReceiptLists.Path)) { Content = content };
        var (status, body) = await LookAsync("receipts", request, MaxAnswer, cancel).ConfigureAwait(false);
        return status switch
        {
            HttpStatusCode.OK => body,
            HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed => [],
            _ => throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} gave no receipts (status {(int)status})"),
        };
    }

    /// <inheritdoc/>
    public async Task PushAsync(string peerUrl, ReadOnlySequence<byte> encodedPayload, CancellationToken cancel)
    {
        var lane = Lane(peerUrl);
        // One that is traced too goes alone: the context of a trace goes with a request of its own.
        var status = lane.TakesMany && encodedPayload.Length <= MaxTogether && Activity.Current is not { Recorded: true }
            ? await lane.Pushes.AskAsync(encodedPayload, encodedPayload.Length, cancel).ConfigureAwait(false)
            : await PushOneAsync(lane, peerUrl, encodedPayload, cancel).ConfigureAwait(false);
        if (status is not (HttpStatusCode.OK or HttpStatusCode.Created))
            throw new PrivacyException(Failure.PeerRefused, $"Unable to push payload to recipient url {peerUrl}")
            {
                IsAboutForm = IsAboutForm(status),
            };
    }

    /// <inheritdoc/>
    public async Task PushBatchAsync(string peerUrl, IReadOnlyList<byte[]> encodedPayloads, CancellationToken cancel)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("encodedPayloads");
            foreach (var payload in encodedPayloads)
                writer.WriteBase64StringValue(payload);

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        using var answer = await Lane(peerUrl).RunAsync(
            token => PostAsync("pushBatch", peerUrl, "pushBatch", new ReadOnlySequence<byte>(json.WrittenMemory), _retry, token),
            ConnectionError(peerUrl), json.WrittenCount, cancel).ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new PrivacyException(Failure.PeerRefused, $"Unable to push payload batch to recipient {peerUrl}");
    }

    /// <inheritdoc/>
    public async Task PushGroupAsync(string peerUrl, byte[] encodedGroup, CancellationToken cancel)
    {
        using var answer = await Lane(peerUrl).RunAsync(
            token => PostAsync("pushPrivacyGroup", peerUrl, "pushPrivacyGroup", new ReadOnlySequence<byte>(encodedGroup), _retry, token),
            ConnectionError(peerUrl), encodedGroup.Length, cancel).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
            throw new PrivacyException(Failure.PeerRefused, $"Unable to push privacy group to recipient url {peerUrl}");
    }

    /// <inheritdoc/>
    public async Task<string?> SendPartyInfoAsync(string peerUrl, PartyInfo info, CancellationToken cancel)
    {
        using var answer = await CallAsync("partyinfo", peerUrl, "partyinfo", PartyInfoCodec.Encode(info), cancel).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
            throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} refused our party info with status {(int)answer.StatusCode}");
        if (_lanes.TryGetValue(peerUrl, out var lane))
            await lane.HasAnsweredAsync().ConfigureAwait(false);
        var named = answer.Headers.TryGetValues(RestHeaders.Identity, out var tags)
            && tags.First() is { Length: > 0 and <= MaxTag } tag ? tag : null;
        // A Tessera is asked for no receipts.
        if (named is not null || lane is not null)
            (lane ?? Lane(peerUrl)).SignsReceipts = named is not null;
        return named;
    }

    /// <inheritdoc/>
    public async Task<byte[]?> IdentityAsync(string peerUrl, ReadOnlyMemory<byte> nonce, CancellationToken cancel)
    {
        using var content = new ReadOnlyMemoryContent(nonce);
        content.Headers.ContentType = OctetStream;
        using var request = new HttpRequestMessage(HttpMethod.Post, Target(peerUrl, IdentityAnswer.Path)) { Content = content };
        var (status, body) = await LookAsync("identity", request, IdentityAnswer.MaxSize, cancel).ConfigureAwait(false);
        return status switch
        {
            HttpStatusCode.OK => body,
            HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed => null,
            _ => throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} refused to show its identity with status {(int)status}"),
        };
    }

    /// <inheritdoc/>
    public async Task<string> ValidateAsync(string peerUrl, ReadOnlyMemory<byte> encodedChallenge, CancellationToken cancel)
    {
        using var content = new ReadOnlyMemoryContent(encodedChallenge);
        content.Headers.ContentType = OctetStream;
        using var request = new HttpRequestMessage(HttpMethod.Post, Target(peerUrl, "partyinfo/validate")) { Content = content };
        request.Headers.TryAddWithoutValidation(RestHeaders.SupportedApiVersions, RestHeaders.AllApiVersions);
        var (status, body) = await LookAsync("validate", request, KeyChallenge.MaxLength + 64, cancel).ConfigureAwait(false);
        return status switch
        {
            >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => Encoding.UTF8.GetString(body),
            HttpStatusCode.NotFound => throw new PrivacyException(Failure.KeyNotFound, $"{peerUrl} has no such key"),
            _ => throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} refused to validate its key with status {(int)status}"),
        };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> KnownPeersAsync(string peerUrl, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Target(peerUrl, "partyinfo"));
        request.Headers.TryAddWithoutValidation(RestHeaders.SupportedApiVersions, RestHeaders.AllApiVersions);
        var (status, body) = await LookAsync("known peers", request, MaxAnswer, cancel).ConfigureAwait(false);
        return status == HttpStatusCode.OK && PeerListAnswer.TryRead(body, out var urls)
            ? urls
            : throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} did not list its peers (status {(int)status})");
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KnownKey>> KnownKeysAsync(string peerUrl, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Target(peerUrl, "partyinfo"));
        request.Headers.TryAddWithoutValidation(RestHeaders.SupportedApiVersions, RestHeaders.AllApiVersions);
        var (status, body) = await LookAsync("known keys", request, MaxAnswer, cancel).ConfigureAwait(false);
        return status == HttpStatusCode.OK && PeerListAnswer.TryReadKeys(body, out var keys)
            ? keys
            : throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} did not list its keys (status {(int)status})");
    }

    /// <inheritdoc/>
    public Task ResendBatchAsync(string peerUrl, PublicKey key, int batchSize, CancellationToken cancel) =>
        ResendAsync("resendBatch", peerUrl, new { batchSize, publicKey = key.ToBase64() }, cancel);

    /// <inheritdoc/>
    public Task ResendAllAsync(string peerUrl, PublicKey key, CancellationToken cancel) =>
        ResendAsync("resend", peerUrl, new { publicKey = key.ToBase64(), type = "ALL" }, cancel);

    public void Dispose()
    {
        _http.Dispose();
        foreach (var lane in _lanes.Values)
            lane.Dispose();
    }

    /// <summary>A Tessera that cannot decode what it is sent answers 500, a proxy or a manager of ours as HTTP has it. Too long, too many,
    /// not allowed or not now would be said of another form too.</summary>
    private static bool IsAboutForm(HttpStatusCode status) => status is HttpStatusCode.BadRequest or HttpStatusCode.NotAcceptable
        or HttpStatusCode.UnsupportedMediaType or HttpStatusCode.UnprocessableEntity or HttpStatusCode.InternalServerError;

    private static Uri Target(string peerUrl, string path) => new(new Uri(peerUrl), path);

    private static string ConnectionError(string peerUrl) => $"Connection error while communicating with {peerUrl}";

    private PeerLane Lane(string peerUrl)
    {
        if (_lanes.TryGetValue(peerUrl, out var lane))
            return lane;
        if (_lanes.Count >= MaxLanes)
            // Not disposed: a push may just have taken it, and an idle one holds nothing.
            foreach (var idle in _lanes.Where(l => l.Value.IsIdle).Select(l => l.Key).ToArray())
                _lanes.TryRemove(idle, out _);

        return _lanes.GetOrAdd(peerUrl, url => new PeerLane(url, _options, _clock, line => Told?.Invoke(line), PushAllAsync)
        {
            ReceiptName = Convert.ToBase64String(HMACSHA256.HashData(_receiptSecret, Encoding.UTF8.GetBytes(url))),
        });
    }

    private async Task<HttpStatusCode> PushOneAsync(
        PeerLane lane, string peerUrl, ReadOnlySequence<byte> encodedPayload, CancellationToken cancel)
    {
        using var answer = await lane.RunAsync(
            token => PostAsync("push", peerUrl, "push", encodedPayload, _retry, token, NameFor(lane)), ConnectionError(peerUrl),
            encodedPayload.Length, cancel).ConfigureAwait(false);
        lane.TakesMany = answer.Headers.Contains(RestHeaders.Pushes);
        lane.Noted(NotedIn(answer), 1);
        return answer.StatusCode;
    }

    private async Task PushAllAsync(PeerLane lane, IReadOnlyList<CoalescedCall<ReadOnlySequence<byte>, HttpStatusCode>> pushes)
    {
        if (pushes.Count > 1 && await TryPushManyAsync(lane, pushes).ConfigureAwait(false))
            return;
        await Task.WhenAll(pushes.Select(async push =>
        {
            try
            {
                push.Answer(await PushOneAsync(lane, lane.PeerUrl, push.Ask, push.Cancel).ConfigureAwait(false));
            }
            catch (Exception e)
            {
                push.Fail(e);
            }
        })).ConfigureAwait(false);
    }

    /// <returns>False when the peer does not answer for each: another manager has taken its place, or it has no room for all of them. They
    /// are to go by themselves then, which is safe, for a push may be repeated.</returns>
    private async Task<bool> TryPushManyAsync(
        PeerLane lane, IReadOnlyList<CoalescedCall<ReadOnlySequence<byte>, HttpStatusCode>> pushes)
    {
        var body = new ReadOnlySequence<byte>(PushMany.Write([.. pushes.Select(p => p.Ask)]));
        using var answer = await lane.RunAsync(
            token => PostAsync("pushes", lane.PeerUrl, PushMany.Path, body, _retry, token, NameFor(lane)),
            ConnectionError(lane.PeerUrl), body.Length, CancellationToken.None).ConfigureAwait(false);
        var told = await answer.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.OK || !PushMany.TryReadStatuses(told, pushes.Count, out var statuses))
            return false;
        lane.Noted(NotedIn(answer), pushes.Count);
        for (var i = 0; i < statuses.Length; i++)
            pushes[i].Answer((HttpStatusCode)statuses[i]);
        return true;
    }

    /// <returns>Null: it is to note nothing.</returns>
    private string? NameFor(PeerLane lane) => lane.SignsReceipts && HasShownIdentity(lane.PeerUrl) ? lane.ReceiptName : null;

    private static int NotedIn(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(RestHeaders.Receipt, out var values)
            && int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var noted) ? noted : 0;

    /// <summary>
    /// A call to a URL that a stranger may have named: no redirects, a short time, and of the answer no more than is asked for.
    /// </summary>
    private async Task<(HttpStatusCode Status, byte[] Body)> LookAsync(string kind, HttpRequestMessage request, int most,
        CancellationToken cancel)
    {
        var start = Stopwatch.GetTimestamp();
        var outcome = "offline";
        var timeout = _options.Timeout < _options.LookTimeout ? _options.Timeout : _options.LookTimeout;
        using var deadline = new CancellationTokenSource(timeout, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            outcome = answer.IsSuccessStatusCode ? "ok" : "refused";
            await answer.Content.LoadIntoBufferAsync(most, both.Token).ConfigureAwait(false);
            return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new PrivacyException(Failure.PeerOffline, ConnectionError(request.RequestUri!.ToString()), e);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            outcome = "timeout";
            throw new PrivacyException(Failure.PeerUnresponsive, ConnectionError(request.RequestUri!.ToString()), e);
        }
        finally
        {
            PeerMetrics.Record(kind, outcome, Stopwatch.GetElapsedTime(start));
        }
    }

    /// <summary>Answered when the peer has pushed everything: no lane, whose deadlines are those of a push.</summary>
    private async Task ResendAsync(string path, string peerUrl, object request, CancellationToken cancel)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(request, Plain);
        using var answer = await CallAsync(path, peerUrl, path, json, _options.ResendWait, cancel).ConfigureAwait(false);
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed)
            throw new PrivacyException(Failure.NotFound, $"{peerUrl} knows no /{path}");
        if (!answer.IsSuccessStatusCode)
            throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} answered {(int)answer.StatusCode} to /{path}");
    }

    private Task<HttpResponseMessage> CallAsync(string kind, string peerUrl, string path, ReadOnlyMemory<byte> body,
        CancellationToken cancel) => CallAsync(kind, peerUrl, path, body, _options.Timeout, cancel);

    private async Task<HttpResponseMessage> CallAsync(string kind, string peerUrl, string path, ReadOnlyMemory<byte> body,
        TimeSpan timeout, CancellationToken cancel)
    {
        using var deadline = new CancellationTokenSource(timeout, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        try
        {
            return await PostAsync(
                    kind, peerUrl, path, new ReadOnlySequence<byte>(body), ResiliencePipeline<HttpResponseMessage>.Empty, both.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new PrivacyException(Failure.PeerUnresponsive, ConnectionError(peerUrl), e);
        }
    }

    private async Task<HttpResponseMessage> PostAsync(
        string kind, string peerUrl, string path, ReadOnlySequence<byte> body, ResiliencePipeline<HttpResponseMessage> pipeline,
        CancellationToken cancel, string? receiptName = null)
    {
        var start = Stopwatch.GetTimestamp();
        var outcome = "offline";
        var url = Target(peerUrl, path);
        var versions = kind != "push" || CborPayloadCodec.Begins(body.FirstSpan)
            ? RestHeaders.AllApiVersions : RestHeaders.LegacyApiVersions;
        try
        {
            var answer = await pipeline.ExecuteAsync(
                async token =>
                {
                    using var content = new SequenceContent(body);
                    content.Headers.ContentType = path is "pushBatch" or "resend" or "resendBatch" ? Json : OctetStream;
                    using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
                    request.Headers.TryAddWithoutValidation(RestHeaders.SupportedApiVersions, versions);
                    if (receiptName is not null)
                        request.Headers.TryAddWithoutValidation(RestHeaders.Receipt, receiptName);
                    return await _http.SendAsync(request, token).ConfigureAwait(false);
                },
                cancel).ConfigureAwait(false);
            outcome = answer.IsSuccessStatusCode ? "ok" : "refused";
            return answer;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new PrivacyException(Failure.PeerOffline, ConnectionError(peerUrl), e);
        }
        catch (OperationCanceledException)
        {
            outcome = "timeout";
            throw;
        }
        finally
        {
            PeerMetrics.Record(kind, outcome, Stopwatch.GetElapsedTime(start));
        }
    }
}
