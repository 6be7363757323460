using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>
/// Finds out who calls before anything of a request's body is read: a stranger costs a header. TLS has asked for the client's certificate
/// by then.
/// </summary>
internal sealed class RpcGate : IDisposable
{
    private const string Bearer = "Bearer ";

    private readonly TokenValidator? _tokens;
    private readonly TimeProvider _clock;

    public RpcGate(RpcAccessOptions options)
    {
        _clock = options.Clock;
        if (options.Tokens is { } tokens)
            _tokens = new TokenValidator(tokens,
                options.Keys ?? throw new ArgumentException("tokens without keys", nameof(options)), _clock);
        Rates = options.Rate > 0 ? new CallRates(options.Rate) : null;
    }

    public CallRates? Rates { get; }

    /// <summary>The session as this request's caller has it; null when it was answered with a refusal.</summary>
    public async ValueTask<RpcSession?> AdmitAsync(HttpContext http, RpcSession session)
    {
        try
        {
            var caller = _tokens is null ? new RpcCaller(Origin(http))
                : await _tokens.ValidateAsync(Token(http), Origin(http), http.RequestAborted).ConfigureAwait(false);
            return session with { Caller = caller, Rates = Rates, Clock = _clock };
        }
        catch (CallRefusedException e)
        {
            var isRate = e.Refusal == CallRefusal.TooMany;
            if (!isRate) http.Response.Headers.WWWAuthenticate = "Bearer";
            using var response = RpcResponse.Rent();
            RpcEngine.WriteError(response, default, e.Code, e.Message);
            http.Response.StatusCode = isRate ? StatusCodes.Status429TooManyRequests : StatusCodes.Status401Unauthorized;
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = response.Length;
            await http.Response.Body.WriteAsync(response.Written, http.RequestAborted).ConfigureAwait(false);
            return null;
        }
    }

    public void Dispose()
    {
        Rates?.Dispose();
        _tokens?.Dispose();
    }

    private static string Token(HttpContext http)
    {
        var header = http.Request.Headers[HeaderNames.Authorization].ToString();
        if (header.Length == 0) throw new CallRefusedException(CallRefusal.Expired, "missing access token");
        return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header[Bearer.Length..].Trim()
            : throw new CallRefusedException(CallRefusal.Expired, "the Authorization header holds no bearer token");
    }

    /// <summary>Of an IPv6 address the network: a host has a whole one.</summary>
    private static string Origin(HttpContext http)
    {
        if (http.Connection.ClientCertificate is { } certificate) return $"certificate {certificate.Thumbprint}";
        var address = http.Connection.RemoteIpAddress ?? IPAddress.None;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes()[..8])
            : address.ToString();
    }
}
