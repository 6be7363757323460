using System.Security.Authentication;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>
/// Mutual TLS 1.3 with one other service of ours, <c>quorummesh.enclaveTls</c> and <c>quorummesh.grpcTls</c>: what the manager shows
/// (<c>certificate</c>, <c>key</c>), and the one certificate that it takes for the other's (<c>enclave</c>, <c>node</c>); PEM files.
/// </summary>
public sealed class PinnedLink
{
    private readonly ConfigNode _tls;
    private readonly string _peer;

    private PinnedLink(ConfigNode tls, string peer) => (_tls, _peer) = (tls, peer);

    /// <param name="isHttps">Of the link's address as it was read, not as it was written.</param>
    /// <param name="peer">The member that names the other's certificate.</param>
    /// <returns>Null where plain text is spoken.</returns>
    /// <exception cref="OptionsException">TLS is half asked for.</exception>
    internal static PinnedLink? Read(bool isHttps, ConfigNode tls, string peer)
    {
        if (!isHttps)
            return !tls.Exists ? null : throw new OptionsException(tls.Path, $"is given, and the {peer}'s address is not https");
        foreach (var member in new[] { "certificate", "key", peer }) tls[member].Required();
        return new PinnedLink(tls, peer);
    }

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public TlsClient Client(TlsMaterials materials) =>
        new(_peer, Own(materials, $"{_peer}-client"), Peer(materials), namesCount: false, SslProtocols.Tls13);

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public TlsServer Server(TlsMaterials materials) => new(_peer, Own(materials, $"{_peer}-server"), Peer(materials), SslProtocols.Tls13);

    private CertificateSource Own(TlsMaterials materials, string name)
    {
        var (certificate, key) = (_tls["certificate"], _tls["key"]);
        return materials.Certificate(name, certificate.Path, CertificateFiles.Pem(certificate.Path, certificate.Text()!, key.Text()!));
    }

    private PinnedTrust Peer(TlsMaterials materials) => materials.Pinned(_tls[_peer].Path, _tls[_peer].Text()!);
}
