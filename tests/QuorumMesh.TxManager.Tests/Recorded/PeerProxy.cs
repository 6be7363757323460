using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <param name="To">Whose P2P server it went to.</param>
internal sealed record SeenCall(string To, string Method, string Path, int? Status, byte[] Body);

/// <summary>What stands before a P2P server, as the recorder did: passes on and notes, or resets what comes.</summary>
internal sealed class PeerProxy(string name, int port, ConcurrentQueue<SeenCall> seen) : IAsyncDisposable
{
    private static readonly string[] Framing = ["Host", "Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive"];

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(60) };
    private WebApplication? _app;

    public int Port => port;

    /// <summary>Where it passes on to; with none it answers by <see cref="Answer"/>.</summary>
    public int? Target { get; init; }

    public Func<HttpContext, byte[], Task<int?>>? Answer { get; init; }

    /// <summary>Connections are reset.</summary>
    public bool IsDown { get; set; }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add($"http://127.0.0.1:{port}");
        _app.Run(HandleAsync);
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
            _app = null;
        }
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer);
        var body = buffer.ToArray();
        var status = IsDown ? null : Target is null ? await Answer!(context, body) : await PassAsync(context, body);
        seen.Enqueue(new SeenCall(name, context.Request.Method, context.Request.Path, status, body));
        if (status is null)
            context.Abort();
    }

    private async Task<int?> PassAsync(HttpContext context, byte[] body)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), $"http://127.0.0.1:{Target}{raw}");
        if (body.Length > 0 || context.Request.Method == "POST")
            request.Content = new ByteArrayContent(body);
        foreach (var header in context.Request.Headers.Where(h => !Framing.Contains(h.Key, StringComparer.OrdinalIgnoreCase)))
            if (!request.Headers.TryAddWithoutValidation(header.Key, [.. header.Value]))
                request.Content?.Headers.TryAddWithoutValidation(header.Key, [.. header.Value]);
        try
        {
            using var answer = await _http.SendAsync(request);
            var content = await answer.Content.ReadAsByteArrayAsync();
            context.Response.StatusCode = (int)answer.StatusCode;
            if (answer.ReasonPhrase is { } reason)
                context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = reason;
            Copy(answer.Headers, context);
            Copy(answer.Content.Headers, context);
            context.Response.ContentLength = content.Length;
            await context.Response.Body.WriteAsync(content);
            return (int)answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static void Copy(HttpHeaders headers, HttpContext context)
    {
        foreach (var header in headers.Where(h => !Framing.Contains(h.Key, StringComparer.OrdinalIgnoreCase)))
            context.Response.Headers[header.Key] = header.Value.ToArray();
    }
}
