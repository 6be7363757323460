using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>JSON-RPC over HTTP by GoQuorum's rules (2.5:rpc/http.go).</summary>
internal sealed class HttpEndpoint(RpcEngine engine, RpcGate gate, RpcSession session, ByteBudget budget, OriginRules cors,
    OriginRules virtualHosts)
{
    /// <summary>The last two are those of JSON-RPC's HTTP binding, which old libraries send.</summary>
    private static readonly HashSet<string> MediaTypes = new(StringComparer.OrdinalIgnoreCase) { "application/json", "application/json-rpc",
        "application/jsonrequest" };

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
            await RefuseAsync(http, StatusCodes.Status415UnsupportedMediaType, "invalid content type, only application/json is supported")
                .ConfigureAwait(false);
            return;
        }
        if (await gate.AdmitAsync(http, session).ConfigureAwait(false) is not { } admitted) return;
        var response = RpcResponse.Rent(budget);
        try
        {
            if (!await AnswerAsync(http, admitted, response).ConfigureAwait(false)) return;
            http.Response.StatusCode = Status(response.Refusal);
            response = Packed(http, response);
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = response.Length;
            await BoundedAnswer.WriteAsync(http, response.Written, engine.Limits.TransferTime).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client did not wait for its answer.
        }
        finally
        {
            response.Dispose();
        }
    }

    /// <summary>The answer as it goes out; the plain one is let go of when it goes in gzip.</summary>
    private RpcResponse Packed(HttpContext http, RpcResponse plain)
    {
        http.Response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        if (!GzipAnswer.IsAccepted(http.Request.Headers.AcceptEncoding)
            || GzipAnswer.Compress(plain, budget, http.RequestAborted) is not { } packed) return plain;
        plain.Dispose();
        http.Response.Headers.ContentEncoding = "gzip";
        return packed;
    }

    /// <summary>The request is let go of before its answer goes out.</summary>
    /// <returns>False when there is nothing to answer, or it was answered with a refusal.</returns>
    private async Task<bool> AnswerAsync(HttpContext http, RpcSession admitted, RpcResponse response)
    {
        try
        {
            using var body = await BoundedBody.ReadAsync(http.Request, engine.Limits.MaxBody, budget, engine.Limits.TransferTime)
                .ConfigureAwait(false);
            if (body is null) await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge, TooLarge).ConfigureAwait(false);
            if (body is null || body.Bytes.IsEmpty) return false;
            var own = http.Request.Headers.UserAgent is [{ Length: > 0 } agent] ? admitted with { UserAgent = agent } : admitted;
            await engine.ProcessAsync(body.Bytes, response, own, http.RequestAborted).ConfigureAwait(false);
            return true;
        }
        catch (BudgetExceededException e)
        {
            await RefuseAsync(http, StatusCodes.Status503ServiceUnavailable, e.Message).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            await RefuseAsync(http, StatusCodes.Status408RequestTimeout, e.Message).ConfigureAwait(false);
        }
        return false;
    }

    private static int Status(CallRefusal refusal) => refusal switch
    {
        CallRefusal.None => StatusCodes.Status200OK,
        CallRefusal.Expired => StatusCodes.Status401Unauthorized,
        CallRefusal.Denied => StatusCodes.Status403Forbidden,
        _ => StatusCodes.Status429TooManyRequests,
    };

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
            headers.AccessControlAllowHeaders = http.Request.Headers.AccessControlRequestHeaders.ToString() is { Length: > 0 } asked
                ? asked : "*";
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
