using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Cli.Network;

/// <summary>
/// A certificate authority of one local network and the certificates it gives: P-256, ten years for the authority, one for the
/// services. The authority's key is written beside its certificate so that participants can be added; it belongs nowhere but on a
/// development machine.
/// </summary>
internal sealed class CertificateAuthority : IDisposable
{
    private static readonly HashAlgorithmName Hash = HashAlgorithmName.SHA256;

    private readonly X509Certificate2 _authority;

    private CertificateAuthority(X509Certificate2 authority) => _authority = authority;

    /// <summary>False where the key was taken off the machine: nothing can be issued then.</summary>
    public static bool HasKey(string directory) => File.Exists(Path.Combine(directory, "ca.key"));

    /// <summary>Makes the authority and writes ca.crt and ca.key.</summary>
    public static CertificateAuthority Create(string directory, DateTimeOffset now)
    {
        PrivateFiles.MakeDirectory(directory);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=QuorumMesh local network", key, Hash);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0,
            critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var authority = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        Write(directory, "ca", authority, key);
        return new CertificateAuthority(authority);
    }

    /// <summary>The authority that <see cref="Create"/> made.</summary>
    /// <exception cref="CommandException">It is not there, or damaged.</exception>
    public static CertificateAuthority Open(string directory)
    {
        try
        {
            return new CertificateAuthority(X509Certificate2.CreateFromPemFile(Path.Combine(directory, "ca.crt"),
                Path.Combine(directory, "ca.key")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new CommandException($"certificates of the network end soon, and the authority in {directory} that issues them cannot be "
                + $"used: {e.Message}");
        }
    }

    /// <summary>A certificate for client and server use on loopback; writes NAME.key and then NAME.crt, over older ones.</summary>
    public void Issue(string directory, string name, DateTimeOffset now)
    {
        PrivateFiles.MakeDirectory(directory);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, Hash);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using var certificate = request.Create(_authority, now.AddDays(-1), now.AddYears(1), RandomNumberGenerator.GetBytes(16));
        Write(directory, name, certificate, key);
    }

    public void Dispose() => _authority.Dispose();

    private static void Write(string directory, string name, X509Certificate2 certificate, ECDsa key)
    {
        PrivateFiles.Replace(Path.Combine(directory, name + ".key"), key.ExportPkcs8PrivateKeyPem() + "\n");
        PrivateFiles.Replace(Path.Combine(directory, name + ".crt"), certificate.ExportCertificatePem() + "\n");
    }
}
