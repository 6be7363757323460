using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>The server's side of a link: what it shows, and whom it lets in.</summary>
/// <param name="link">In metrics and log lines: <c>rpc</c>, <c>p2p</c>.</param>
/// <param name="clients">Null asks for no client certificate.</param>
public sealed class TlsServer(string link, CertificateSource certificate, PeerTrust? clients, SslProtocols protocols = TlsServer.Modern)
{
    /// <summary>What else speaks TLS in a network of Tesseras and GoQuorums.</summary>
    public const SslProtocols Modern = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>Between services of this project.</summary>
    public const SslProtocols Strict = SslProtocols.Tls13;

    /// <summary>Null leaves the choice to the system.</summary>
    public CipherSuitesPolicy? Suites { get; init; }

    private readonly RefusalLines _lines = new(() => Environment.TickCount64);

    /// <summary>A certificate was refused, and why: a line for the log, of which there are not many.</summary>
    public event Action<string>? Told;

    /// <summary>For a whole handshake; a peer that stands still holds its connection no longer.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For one connection; the certificate is the one of this moment.</summary>
    public SslServerAuthenticationOptions Options() => new()
    {
        ServerCertificateContext = certificate.Current,
        EnabledSslProtocols = protocols,
        CipherSuitesPolicy = Suites,
        AllowRenegotiation = false,
        // A session that is taken up again keeps the leaf alone, and was checked by the list of its day.
        AllowTlsResume = clients is null,
        ClientCertificateRequired = clients is not null,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = Chains.Offline(),
        RemoteCertificateValidationCallback = clients is null ? null : Accepts,
    };

    /// <summary>Counts and tells that somebody spoke plain text on a port that takes none.</summary>
    public void RefusePlainText() => Refused("a client spoke plain text, and this port takes TLS alone");

    private bool Accepts(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (shown is not X509Certificate2 peer)
        {
            Refused("a client showed no certificate");
            return false;
        }
        if (clients!.Refuse(peer, Chains.Between(chain), PeerRole.Client) is not { } why) return true;
        Refused($"a client's certificate {Chains.Name(peer)} is refused: {why}");
        return false;
    }

    private void Refused(string why)
    {
        TlsMetrics.PeerRefused(link);
        var line = $"TLS, {link}: {why}";
        if (_lines.IsNew(line)) Told?.Invoke(line);
    }
}
