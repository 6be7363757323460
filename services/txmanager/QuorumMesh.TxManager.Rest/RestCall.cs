using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using QuorumMesh.Contracts;
using QuorumMesh.Listeners;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Rest;

/// <summary>A request and its answer. Every answer has a Content-Length: GoQuorum reads until it, then drops the connection.</summary>
public sealed class RestCall : IDisposable
{
    /// <summary>Longer bodies are not read off; their connection ends with the answer.</summary>
    private const long MaxDiscarded = 256L * 1024 * 1024;

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<string, string> _parameters = [];
    private readonly RestLimits _limits;
    private readonly ByteLease _work;
    private readonly ByteLease _answer;
    private BoundedBody? _body;
    private JsonBody? _json;

    public RestCall(HttpContext context, RestLimits limits)
    {
        Context = context;
        _limits = limits;
        (_work, _answer) = (limits.Budget.Lease(), limits.Budget.Lease());
        Room = ListenerRoom.Of(_work);
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget is ['/', ..] raw ? raw : context.Request.Path.Value ?? "/";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        Segments = (query < 0 ? target : target[..query]).Split('/', StringSplitOptions.RemoveEmptyEntries);
    }

    public HttpContext Context { get; }

    /// <summary>The caller went away.</summary>
    public CancellationToken Cancel => Context.RequestAborted;

    /// <summary>For the payloads that the call works on: a share of the listener's budget until the call ends.</summary>
    public PayloadRoom Room { get; }

    internal string[] Segments { get; }

    /// <summary>A path parameter, percent-decoded.</summary>
    public string this[string parameter] => _parameters[parameter];

    /// <summary>A path parameter that is base64.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.BadRequest"/>.</exception>
    public byte[] Base64(string parameter) => Base64Text.Decode(parameter, this[parameter]);

    /// <summary>The first value of a header; null when it is absent or blank.</summary>
    public string? Header(string name) =>
        Context.Request.Headers[name] is [{ } value, ..] && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    /// <summary>Keys in base64 from a header that may be repeated, comma-separated or empty.</summary>
    public IReadOnlyList<PublicKey> KeysHeader(string name) =>
    [
        .. Context.Request.Headers[name]
            .SelectMany(v => (v ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Select(k => Base64Text.Key(name, k)),
    ];

    /// <summary>
    /// The whole body, read once; 413 when it is longer than the limit. It counts against the listener's budget until the call ends. One
    /// that is refused is read off first.
    /// </summary>
    /// <param name="most">A limit below the listener's, in bytes.</param>
    public async Task<byte[]> BodyAsync(long most = long.MaxValue)
    {
        try
        {
            _body ??= await BoundedBody.ReadAsync(
                Context.Request, Math.Min(most, _limits.MaxBody), _limits.Budget, _limits.TransferTime, _limits.RoomTime,
                1 + PayloadRoom.Forms)
                .ConfigureAwait(false);
        }
        catch (BudgetExceededException)
        {
            await DiscardBodyAsync().ConfigureAwait(false);
            throw;
        }

        if (_body is not null)
            return _body.ToArray();
        await DiscardBodyAsync().ConfigureAwait(false);
        throw new BadHttpRequestException("The body is too long", StatusCodes.Status413PayloadTooLarge);
    }

    private async Task DiscardBodyAsync()
    {
        // The rest of a body that was left unread would be taken for the next request: said, or a caller would send it on this connection.
        if (!await BoundedBody.DiscardAsync(Context.Request, MaxDiscarded).ConfigureAwait(false) && !Context.Response.HasStarted)
            Context.Response.Headers.Connection = "close";
    }

    /// <summary>The body as a JSON object; another one is refused with 400.</summary>
    /// <param name="most">A limit below the listener's, in bytes.</param>
    public async Task<JsonBody> JsonBodyAsync(long most = long.MaxValue)
    {
        var json = JsonBody.Parse(await BodyAsync(most).ConfigureAwait(false));
        _json = json;
        return json;
    }

    public void Dispose()
    {
        _json?.Dispose();
        _body?.Dispose();
        _work.Dispose();
        _answer.Dispose();
    }

    public Task EmptyAsync(int status)
    {
        Context.Response.StatusCode = status;
        if (status != StatusCodes.Status204NoContent)
            Context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public Task TextAsync(int status, string text) => WriteAsync(status, "text/plain", Encoding.UTF8.GetBytes(text));

    /// <summary>
    /// The same in the first of text's types that the caller names: a Tessera's client asks for <c>text/html</c> before anything else,
    /// and a Tessera answers it so (tessera 13.2).
    /// </summary>
    public Task NegotiatedTextAsync(int status, string text) =>
        WriteAsync(
            status,
            Context.Request.Headers.Accept.ToString().TrimStart().StartsWith("text/html", StringComparison.OrdinalIgnoreCase)
                ? "text/html" : "text/plain",
            Encoding.UTF8.GetBytes(text));

    public Task BytesAsync(int status, byte[] bytes, string contentType = "application/octet-stream") =>
        WriteAsync(status, contentType, bytes);

    /// <param name="expected">About how many bytes the longest text in it has; the buffer then need not grow.</param>
    public Task JsonAsync(int status, Action<Utf8JsonWriter> write, string contentType = "application/json", int expected = 0)
    {
        Hold(expected);
        var buffer = new ArrayBufferWriter<byte>(512 + expected);
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
            write(writer);

        return WriteAsync(status, contentType, buffer.WrittenMemory);
    }

    /// <summary>Names a resource of this server in the Location header.</summary>
    public void Location(string path)
    {
        var request = Context.Request;
        var host = request.Host.HasValue ? request.Host.Value : "localhost";
        Context.Response.Headers.Location = $"{request.Scheme}://{host}{path}";
    }

    internal void Bind(string[] template)
    {
        for (var i = 0; i < template.Length; i++)
            if (template[i][0] == '{')
                _parameters[template[i][1..^1]] = Uri.UnescapeDataString(Segments[i]);
    }

    private async Task WriteAsync(int status, string contentType, ReadOnlyMemory<byte> bytes)
    {
        Hold(bytes.Length);
        var response = Context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = bytes.Length;
        await BoundedAnswer.WriteAsync(Context, bytes, _limits.TransferTime).ConfigureAwait(false);
    }

    private void Hold(long answer)
    {
        if (!_answer.TryHold(answer))
            throw new BudgetExceededException(_limits.Budget);
    }
}
