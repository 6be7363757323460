using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace QuorumMesh.TxManager.Rest;

/// <summary>Tessera's cors settings (tessera 7.2).</summary>
/// <param name="AllowedOrigins">Origins, or "*" for any.</param>
public sealed record CorsPolicy(
    IReadOnlyList<string> AllowedOrigins, IReadOnlyList<string> AllowedMethods, IReadOnlyList<string> AllowedHeaders, bool AllowCredentials)
{
    public static readonly IReadOnlyList<string> DefaultMethods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"];

    /// <summary>Adds the headers that the browser asks for.</summary>
    /// <returns>True when the request was a preflight that needs no more.</returns>
    public bool Apply(HttpContext context)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (origin.Length == 0 || !(AllowedOrigins.Contains("*") || AllowedOrigins.Contains(origin)))
            return false;
        var headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = origin;
        headers.Vary = "Origin";
        if (AllowCredentials)
            headers.AccessControlAllowCredentials = "true";
        if (!HttpMethods.IsOptions(context.Request.Method)
            || StringValues.IsNullOrEmpty(context.Request.Headers.AccessControlRequestMethod))
            return false;
        headers.AccessControlAllowMethods = string.Join(", ", AllowedMethods);
        headers.AccessControlAllowHeaders = AllowedHeaders.Count > 0
            ? string.Join(", ", AllowedHeaders)
            : context.Request.Headers.AccessControlRequestHeaders;
        return true;
    }
}
