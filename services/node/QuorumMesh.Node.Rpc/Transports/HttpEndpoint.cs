using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>JSON-RPC over HTTP by GoQuorum's rules (2.5:rpc/http.go).</summary>
internal sealed class HttpEndpoint(RpcEngine engine, RpcSession session, OriginRules cors, OriginRules virtualHosts)
{
    /// <summary>The last two are those of JSON-RPC's HTTP binding, which old libraries send.</summary>
    private static readonly HashSet<string> MediaTypes = new(StringComparer.OrdinalIgnoreCase) { "application/json", "application/json-rpc", "application/jsonrequest" };

    public async Task HandleAsync(HttpContext http)
    {
        if (!AllowsHost(http.Request.Host))
        {
            await RefuseAsync(http, StatusCodes.Status403Forbidden, "invalid host specified").ConfigureAwait(false);
            return;
        }
        var isPreflight = AnswerCors(http);
        if (isPreflight) return;
        switch (http.Request.Method)
        {
            case "POST":
                await PostAsync(http).ConfigureAwait(false);
                break;
            case "GET" when http.Request.ContentLength is null or 0 && http.Request.QueryString.Value is null or "":
            case "OPTIONS":
                http.Response.StatusCode = StatusCodes.Status200OK;
                break;
            default:
                await RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, "method not allowed").ConfigureAwait(false);
                break;
        }
    }

    private async Task PostAsync(HttpContext http)
    {
        if (http.Request.ContentLength > engine.Limits.MaxBody)
        {
            await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge, TooLarge).ConfigureAwait(false);
            return;
        }
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) || !MediaTypes.Contains(type.MediaType.Value ?? ""))
        {
            await RefuseAsync(http, StatusCodes.Status415UnsupportedMediaType, "invalid content type, only application/json is supported").ConfigureAwait(false);
            return;
        }
        var reader = http.Request.BodyReader;
        var body = await reader.ReadToLimitAsync(engine.Limits.MaxBody, http.RequestAborted).ConfigureAwait(false);
        if (body is not { } buffer)
        {
            await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge, TooLarge).ConfigureAwait(false);
            return;
        }
        if (buffer.IsEmpty) return;
        var rented = buffer.IsSingleSegment ? null : ArrayPool<byte>.Shared.Rent((int)buffer.Length);
        if (rented is not null) buffer.CopyTo(rented);
        var message = rented is null ? buffer.First : rented.AsMemory(0, (int)buffer.Length);
        using var response = RpcResponse.Rent();
        try
        {
            await engine.ProcessAsync(message, response, session, http.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
            reader.AdvanceTo(buffer.End);
        }
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = response.Length;
        await http.Response.BodyWriter.WriteAsync(response.Written, http.RequestAborted).ConfigureAwait(false);
    }

    private string TooLarge => $"content length too large ({engine.Limits.MaxBody} bytes are the limit)";

    /// <summary>An address literal always passes: only names can be pointed here by somebody else's DNS.</summary>
    private bool AllowsHost(HostString host) =>
        !host.HasValue || virtualHosts.AllowsAll || IPAddress.TryParse(host.Host.Trim('[', ']'), out _) || virtualHosts.Allows(host.Host);

    /// <returns>True for a preflight request, which is answered with that.</returns>
    private bool AnswerCors(HttpContext http)
    {
        var origin = http.Request.Headers.Origin.ToString();
        if (cors.IsEmpty || origin.Length == 0) return false;
        var headers = http.Response.Headers;
        headers.Append(HeaderNames.Vary, "Origin");
        if (cors.Allows(origin)) headers.AccessControlAllowOrigin = cors.AllowsAll ? "*" : origin;
        if (http.Request.Method != "OPTIONS" || !http.Request.Headers.ContainsKey(HeaderNames.AccessControlRequestMethod)) return false;
        if (cors.Allows(origin))
        {
            headers.AccessControlAllowMethods = "POST, GET";
            headers.AccessControlAllowHeaders = http.Request.Headers.AccessControlRequestHeaders.ToString() is { Length: > 0 } asked ? asked : "*";
            headers.AccessControlMaxAge = "600";
        }
        http.Response.StatusCode = StatusCodes.Status200OK;
        return true;
    }

    private static Task RefuseAsync(HttpContext http, int status, string why)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(why + "\n", http.RequestAborted);
    }
}
