using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using QuorumMesh.Outbound;

namespace QuorumMesh.Cli.Record;

/// <summary>
/// Hands JSON-RPC over HTTP on to a node and writes each exchange to a file, one JSON object a line, without its secrets. Of the headers
/// only those are written that say what a client is and understands.
/// </summary>
internal sealed class RecordingProxy(Uri node, TextWriter file, bool withPrivateData)
{
    private const int MostAtOnce = 16;
    private const int LargestRequest = 5 * 1024 * 1024;
    private const int LargestAnswer = 64 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string[] ToldHeaders = ["Content-Type", "Accept", "Accept-Encoding", "User-Agent"];

    private readonly HttpClient _http = new(new OutboundHandlers().Create(OutboundLimits.Local))
    {
        Timeout = Patience,
        MaxResponseContentBufferSize = LargestAnswer,
    };
    private readonly SemaphoreSlim _slots = new(MostAtOnce);
    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>Serves until it is cancelled.</summary>
    /// <param name="port">On loopback.</param>
    /// <exception cref="CommandException">The port is not free.</exception>
    public async Task RunAsync(int port, CancellationToken cancel)
    {
        using var listener = new HttpListener();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        try
        {
            listener.Start();
        }
        catch (HttpListenerException e)
        {
            throw new CommandException($"port {port} cannot be listened on ({e.Message}): give another --port");
        }
        using var ending = cancel.Register(listener.Stop);
        while (!cancel.IsCancellationRequested)
        {
            await _slots.WaitAsync(cancel).ConfigureAwait(false);
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            _ = ServeAsync(context, cancel);
        }
    }

    private async Task ServeAsync(HttpListenerContext context, CancellationToken cancel)
    {
        try
        {
            await AnswerAsync(context, cancel).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever it was, the client is not left waiting, and the next exchange is served.
            await Console.Error.WriteLineAsync($"qmesh record: {e.Message}").ConfigureAwait(false);
            context.Response.Abort();
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task AnswerAsync(HttpListenerContext context, CancellationToken cancel)
    {
        if (await ReadAsync(context.Request, cancel).ConfigureAwait(false) is not { } body)
        {
            context.Response.StatusCode = (int)HttpStatusCode.RequestEntityTooLarge;
            context.Response.Close();
            return;
        }
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), node);
        request.Content = new ByteArrayContent(body);
        foreach (var name in new[] { "Content-Type", "Authorization" })
            if (context.Request.Headers[name] is { } value && !request.Content.Headers.TryAddWithoutValidation(name, value))
                request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await _http.SendAsync(request, cancel).ConfigureAwait(false);
        var bytes = await answer.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
        await WriteAsync(context.Request, Encoding.UTF8.GetString(body), (int)answer.StatusCode, Encoding.UTF8.GetString(bytes))
            .ConfigureAwait(false);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        context.Response.ContentLength64 = bytes.Length;
        await context.Response.OutputStream.WriteAsync(bytes, cancel).ConfigureAwait(false);
        context.Response.Close();
    }

    /// <returns>Null when it is too long.</returns>
    private static async Task<byte[]?> ReadAsync(HttpListenerRequest request, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        using var body = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await request.InputStream.ReadAsync(buffer, limit.Token).ConfigureAwait(false) is > 0 and var count)
        {
            body.Write(buffer, 0, count);
            if (body.Length > LargestRequest) return null;
        }
        return body.ToArray();
    }

    private async Task WriteAsync(HttpListenerRequest request, string asked, int status, string answered)
    {
        var headers = new JsonObject();
        foreach (var name in ToldHeaders)
            if (request.Headers[name] is { } value) headers[name.ToLowerInvariant()] = value;
        var line = new JsonObject
        {
            ["headers"] = headers,
            ["request"] = Redaction.Request(asked, withPrivateData),
            ["status"] = status,
            ["response"] = Redaction.Response(answered, asked, withPrivateData),
        }.ToJsonString();
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            await file.WriteLineAsync(line).ConfigureAwait(false);
            await file.FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }
}
