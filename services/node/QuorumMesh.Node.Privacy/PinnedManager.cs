using System.Security.Authentication;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Privacy;

/// <summary>Mutual TLS 1.3 with our manager: --privacy.tls.….</summary>
/// <param name="Certificate">PEM file of what the node shows.</param>
/// <param name="Key">PEM file of its private key.</param>
/// <param name="Manager">PEM file of the manager's certificate, the one that is taken.</param>
public sealed record PinnedManager(string? Certificate, string? Key, string? Manager)
{
    /// <param name="address">The manager's.</param>
    /// <returns>Null where plain text is spoken.</returns>
    /// <exception cref="FormatException">TLS is half asked for.</exception>
    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public TlsClient? Client(string address, TlsMaterials materials)
    {
        if (!address.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            return (Certificate, Key, Manager) is (null, null, null) ? null
                : throw new FormatException($"'{address}' is not https, and --privacy.tls.… is given: write https://host:port");
        if (Certificate is null || Key is null || Manager is null)
            throw new FormatException("https needs --privacy.tls.cert, --privacy.tls.key and, as --privacy.tls.manager, the manager's "
                + "certificate");
        var own = materials.Certificate("manager-client", "--privacy.tls.cert",
            CertificateFiles.Pem("--privacy.tls.cert", Certificate, Key));
        return new TlsClient("manager", own, materials.Pinned("--privacy.tls.manager", Manager), namesCount: false, SslProtocols.Tls13);
    }
}
