using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>The client's side of a link: what it shows when it is asked, and which servers it takes.</summary>
/// <param name="link">In metrics: <c>p2p</c>, <c>enclave</c>.</param>
/// <param name="certificate">Null shows none.</param>
/// <param name="namesCount">
/// Whether the server's certificate must name the host that is called, as is usual; not where the certificate itself is pinned.
/// </param>
public sealed class TlsClient(string link, CertificateSource? certificate, PeerTrust servers, bool namesCount = true,
    SslProtocols protocols = TlsServer.Modern)
{
    private readonly RefusalLines _lines = new(() => Environment.TickCount64);

    /// <summary>A connection did not come about, and why: a line for the log, of which there are not many.</summary>
    public event Action<string>? Told;

    /// <summary>Null leaves the choice to the system.</summary>
    public CipherSuitesPolicy? Suites { get; init; }

    /// <summary>Makes a connection a TLS one. It stays the caller's when this fails.</summary>
    /// <param name="host">Name or address as it stands in the URL.</param>
    /// <exception cref="TlsRefusedException">What was said by this side, or by the other, in words for an operator.</exception>
    public async ValueTask<SslStream> AuthenticateAsync(Stream connection, string host, SslApplicationProtocol? spoken,
        CancellationToken cancel)
    {
        string? refused = null;
        var options = new SslClientAuthenticationOptions
        {
            // An address is no name (RFC 6066, section 3).
            TargetHost = IPAddress.TryParse(host, out _) ? "" : host,
            EnabledSslProtocols = protocols,
            CipherSuitesPolicy = Suites,
            AllowRenegotiation = false,
            // A session that is taken up again keeps the leaf alone, and was checked by the list of its day.
            AllowTlsResume = false,
            ClientCertificateContext = certificate?.Current,
            ApplicationProtocols = spoken is { } protocol ? [protocol] : null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = Chains.Offline(),
            RemoteCertificateValidationCallback = (_, shown, chain, _) =>
                (refused = Refuse(shown as X509Certificate2, Chains.Between(chain), host)) is null,
        };
        var tls = new SslStream(connection, leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancel).ConfigureAwait(false);
            return tls;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            var why = refused ?? Explain(e);
            var line = $"TLS, {link}, to {host}: {why}";
            if (_lines.IsNew(line)) Told?.Invoke(line);
            throw new TlsRefusedException(why, refused is not null, e);
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    internal string? Refuse(X509Certificate2? shown, X509Certificate2Collection between, string host)
    {
        var why = shown is null ? "it showed none" : servers.Refuse(shown, between, PeerRole.Server) ?? RefuseName(shown, host);
        if (why is null) return null;
        TlsMetrics.PeerRefused(link);
        return shown is null ? "the server showed no certificate" : $"the server's certificate {Chains.Name(shown)} is refused: {why}";
    }

    /// <summary>
    /// As the JDK's clients do it: an address must be among the alternative names, and a subject's CN counts for names alone.
    /// </summary>
    private string? RefuseName(X509Certificate2 shown, string host)
    {
        var isAddress = IPAddress.TryParse(host, out _);
        return !namesCount || shown.MatchesHostname(host, allowWildcards: true, allowCommonName: !isAddress) ? null
            : $"it does not name {host}: {(isAddress ? "an IP address" : "a DNS name")} among its subject alternative names is wanted";
    }

    private static string Explain(Exception e) => e.InnerException?.Message is { Length: > 0 } inner ? $"{e.Message} ({inner})" : e.Message;
}

/// <summary>A TLS connection to a server did not come about.</summary>
/// <param name="isCertificate">
/// Whether this side refused the server's certificate; otherwise the two did not come to speak TLS at all.
/// </param>
public sealed class TlsRefusedException(string why, bool isCertificate, Exception inner) : IOException($"TLS: {why}", inner)
{
    public bool IsCertificate => isCertificate;
}
