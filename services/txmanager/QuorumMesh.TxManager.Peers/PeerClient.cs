using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Polly;
using Polly.Retry;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Peers;

/// <summary>Calls other managers over Tessera's P2P REST: HTTP/1.1 on pooled connections.</summary>
public sealed class PeerClient : IPeerClient, IDisposable
{
    private const int MaxAnswer = 1024 * 1024;

    private static readonly MediaTypeHeaderValue OctetStream = new("application/octet-stream");

    private readonly HttpClient http;
    private readonly ResiliencePipeline<HttpResponseMessage> retry;

    public PeerClient(PeerClientOptions options)
    {
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = options.ConnectTimeout,
            MaxConnectionsPerServer = options.MaxConnectionsPerPeer,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
        })
        {
            Timeout = options.Timeout,
            MaxResponseContentBufferSize = MaxAnswer,
        };
        http.DefaultRequestHeaders.Add(RestHeaders.SupportedApiVersions, "v1");

        // A peer that restarts leaves dead connections in the pool; a push may be repeated because it is idempotent at the receiver.
        retry = new ResiliencePipelineBuilder<HttpResponseMessage>().AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(50),
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>().Handle<HttpRequestException>(e => e.StatusCode is null),
        }).Build();
    }

    public async Task PushAsync(string peerUrl, ReadOnlyMemory<byte> encodedPayload, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await PostAsync("push", peerUrl, "push", encodedPayload, retry, cancel).ConfigureAwait(false);
        if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.Created))
        {
            throw new PrivacyException(Failure.PeerRefused, $"Unable to push payload to recipient url {peerUrl}");
        }
    }

    public async Task SendPartyInfoAsync(string peerUrl, PartyInfo info, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await PostAsync(
            "partyinfo", peerUrl, "partyinfo", PartyInfoCodec.Encode(info), ResiliencePipeline<HttpResponseMessage>.Empty, cancel).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} refused our party info with status {(int)answer.StatusCode}");
        }
    }

    public async Task<string> ValidateAsync(string peerUrl, ReadOnlyMemory<byte> encodedChallenge, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await PostAsync(
            "validate", peerUrl, "partyinfo/validate", encodedChallenge, ResiliencePipeline<HttpResponseMessage>.Empty, cancel).ConfigureAwait(false);
        return answer.IsSuccessStatusCode
            ? await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false)
            : throw new PrivacyException(Failure.PeerRefused, $"{peerUrl} refused to validate its key with status {(int)answer.StatusCode}");
    }

    public void Dispose() => http.Dispose();

    private async Task<HttpResponseMessage> PostAsync(
        string kind, string peerUrl, string path, ReadOnlyMemory<byte> body, ResiliencePipeline<HttpResponseMessage> pipeline, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        string outcome = "offline";
        var url = new Uri(new Uri(peerUrl), path);
        try
        {
            HttpResponseMessage answer = await pipeline.ExecuteAsync(
                async token =>
                {
                    using var content = new ReadOnlyMemoryContent(body);
                    content.Headers.ContentType = OctetStream;
                    return await http.PostAsync(url, content, token).ConfigureAwait(false);
                },
                cancel).ConfigureAwait(false);
            outcome = answer.IsSuccessStatusCode ? "ok" : "refused";
            return answer;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException && !cancel.IsCancellationRequested)
        {
            throw new PrivacyException(Failure.PeerOffline, $"Connection error while communicating with {url}", e);
        }
        finally
        {
            PeerMetrics.Record(kind, outcome, Stopwatch.GetElapsedTime(start));
        }
    }
}
