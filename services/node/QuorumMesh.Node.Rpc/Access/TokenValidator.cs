using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>
/// Takes a bearer token (RFC 7519, signed by RS256 or ES256) for who it says. What was found good is kept while the keys stay the same, so
/// that a signature is checked once for each token. How many others are looked at is bounded for each address, or anybody could make the
/// node check signatures all day.
/// </summary>
/// <param name="newTokens">Tokens in a second from one address that were not found good before.</param>
internal sealed class TokenValidator(TokenOptions options, ITokenKeys keys, TimeProvider clock, int newTokens = TokenValidator.NewTokens)
    : IDisposable
{
    public const int NewTokens = 100;

    private const int MostKept = 1024;
    private const int LongestToken = 16 * 1024;

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = LongestToken };
    private readonly CallRates _new = new(newTokens, "new access tokens");
    private Kept _kept = new([]);

    /// <param name="origin">Where the token comes from: address or certificate.</param>
    /// <exception cref="CallRefusedException">It is none, and why: nothing in it comes from the token.</exception>
    public async ValueTask<RpcCaller> ValidateAsync(string token, string origin, CancellationToken cancellation)
    {
        if (token.Length > LongestToken) throw Refused("the access token is too long");
        var kept = KeptOfNow();
        var digest = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        if (kept.Callers.TryGetValue(digest, out var known)) return Timely(known);
        if (_new.Refuse(origin) is { } tooMany) throw tooMany;
        var result = await CheckAsync(token, kept.Keys).ConfigureAwait(false);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
        {
            await keys.RenewAsync(cancellation).ConfigureAwait(false);
            var renewed = KeptOfNow();
            if (!ReferenceEquals(renewed, kept)) result = await CheckAsync(token, renewed.Keys).ConfigureAwait(false);
            kept = renewed;
        }
        if (!result.IsValid) throw Refused(Explain(result.Exception));
        var caller = Read((JsonWebToken)result.SecurityToken);
        if (kept.Callers.Count >= MostKept) kept.Callers.Clear();
        kept.Callers[digest] = caller;
        return Timely(caller);
    }

    public void Dispose() => _new.Dispose();

    private Task<TokenValidationResult> CheckAsync(string token, IReadOnlyList<SecurityKey> known) =>
        _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidAlgorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256],
            // The key that the token names, and those without a name; all where it names none.
            IssuerSigningKeyResolver = (_, _, kid, _) => string.IsNullOrEmpty(kid) ? known
                : known.Where(k => string.IsNullOrEmpty(k.KeyId) || k.KeyId == kid),
            TryAllIssuerSigningKeys = false,
            ValidIssuers = options.Issuers,
            ValidAudiences = options.Audiences,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            ClockSkew = options.Skew,
            LifetimeValidator = (from, to, _, _) => to is { } end && end + options.Skew > clock.GetUtcNow().UtcDateTime
                && (from is not { } begin || begin - options.Skew <= clock.GetUtcNow().UtcDateTime),
        });

    private RpcCaller Timely(RpcCaller caller) =>
        caller.Expires > clock.GetUtcNow() ? caller : throw new CallRefusedException(CallRefusal.Expired, "token expired");

    private RpcCaller Read(JsonWebToken token)
    {
        var scopes = token.Claims.Where(c => c.Type == options.ScopeClaim)
            .SelectMany(c => c.Value.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries));
        var name = token.Subject is { Length: > 0 } subject ? subject : token.Id;
        return new RpcCaller($"token {token.Issuer} {name}")
        {
            Scopes = MethodPatterns.OfScopes(scopes),
            Expires = new DateTimeOffset(token.ValidTo, TimeSpan.Zero) + options.Skew,
        };
    }

    private Kept KeptOfNow()
    {
        var now = keys.Current;
        var kept = Volatile.Read(ref _kept);
        if (ReferenceEquals(kept.Keys, now)) return kept;
        kept = new Kept(now);
        Volatile.Write(ref _kept, kept);
        return kept;
    }

    private string Explain(Exception? why) => why switch
    {
        SecurityTokenInvalidAudienceException => "invalid audience claim (aud)",
        SecurityTokenInvalidIssuerException => "invalid issuer claim (iss)",
        SecurityTokenInvalidLifetimeException => "token expired, not valid yet, or without an end (exp)",
        SecurityTokenSignatureKeyNotFoundException when keys.Current.Count == 0 => "access tokens cannot be checked now: try again later",
        SecurityTokenSignatureKeyNotFoundException => "the access token is signed with an unknown key",
        SecurityTokenInvalidAlgorithmException => "access tokens are signed with RS256 or ES256",
        SecurityTokenInvalidSignatureException => "the access token's signature is wrong",
        _ => "the access token cannot be read",
    };

    private static CallRefusedException Refused(string why) => new(CallRefusal.Expired, why);

    private sealed record Kept(IReadOnlyList<SecurityKey> Keys)
    {
        public ConcurrentDictionary<string, RpcCaller> Callers { get; } = new();
    }
}
