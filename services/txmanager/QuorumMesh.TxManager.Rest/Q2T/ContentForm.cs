using Microsoft.Net.Http.Headers;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>The JSON forms of Tessera's API versions: plain, or vnd.tessera-2.1 and later with sender and managed parties.</summary>
internal static class ContentForm
{
    public const string Json = "application/json";
    public const string OctetStream = "application/octet-stream";

    private static readonly string[] Versioned =
        ["application/vnd.tessera-2.1+json", "application/vnd.tessera-3.0+json", "application/vnd.tessera-4.0+json"];

    /// <summary>All forms of JSON.</summary>
    public static readonly IReadOnlyList<string> AnyJson = [Json, .. Versioned];

    /// <summary>The request's media type in lower case, without parameters; JSON when there is none.</summary>
    public static string Of(RestCall call)
    {
        var type = call.Context.Request.ContentType;
        if (string.IsNullOrWhiteSpace(type))
            return Json;
        var end = type.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? type : type[..end]).Trim().ToLowerInvariant();
    }

    public static bool IsJson(string type) => type == Json || Versioned.Contains(type);

    /// <summary>The form to answer in: what the caller likes best of what it accepts, else what it sent.</summary>
    public static string Answer(RestCall call)
    {
        if (MediaTypeHeaderValue.TryParseList(call.Context.Request.Headers.Accept, out var accepted))
        {
            foreach (var type in accepted.OrderByDescending(a => a.Quality ?? 1).Select(a => a.MediaType.ToString().ToLowerInvariant()))
                if (IsJson(type))
                    return type;
        }

        var sent = Of(call);
        return IsJson(sent) ? sent : Json;
    }

    public static Task RefuseAsync(RestCall call, string expected) =>
        call.TextAsync(415, $"HTTP 415 Unsupported Media Type: send {expected}");
}
