using System.Security.Authentication;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.Enclave;

/// <summary>Mutual TLS 1.3 with the one manager whose certificate is known beforehand.</summary>
/// <param name="Certificate">PEM file of the enclave's own certificate.</param>
/// <param name="Key">PEM file of its private key.</param>
/// <param name="Manager">PEM file of the manager's certificate; of two while it changes.</param>
public sealed record EnclaveTls(string? Certificate, string? Key, string? Manager)
{
    private bool IsGiven => Certificate is not null || Key is not null || Manager is not null;

    /// <summary>Null where plain text is spoken.</summary>
    /// <param name="setting">What says where the enclave listens.</param>
    /// <exception cref="OptionsException">TLS is asked for, and a certificate is missing.</exception>
    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    internal TlsServer? Open(string setting, ListenAddress address, TlsMaterials materials)
    {
        if (!address.IsHttps)
            return null;
        if (Certificate is null || Key is null || Manager is null)
            throw new OptionsException(setting,
                "is https: give --tls-cert and --tls-key, and the manager's certificate as --manager-cert, for nobody else may connect");
        var own = materials.Certificate("enclave", "--tls-cert", CertificateFiles.Pem("--tls-cert", Certificate, Key));
        return new TlsServer("enclave", own, materials.Pinned("--manager-cert", Manager), SslProtocols.Tls13);
    }

    /// <summary>Where no address is https.</summary>
    /// <exception cref="OptionsException">Certificates are given all the same.</exception>
    internal void RefuseUnused(string setting)
    {
        if (IsGiven)
            throw new OptionsException(setting, "is not https, and certificates are given: write https://host:port");
    }
}
