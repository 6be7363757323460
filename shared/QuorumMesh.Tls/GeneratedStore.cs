using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QuorumMesh.Files;

namespace QuorumMesh.Tls;

/// <summary>
/// A key store that is made where none is, as Tessera makes one (tessera 14.4): RSA 2048, self-signed, a year long. It is PKCS#12, which
/// Java opens like its own.
/// </summary>
public sealed class GeneratedStore(string commonName, IEnumerable<string> names, IEnumerable<IPAddress> addresses)
{
    private const int KeyBits = 2048;

    /// <summary>Whole or not at all, and for its owner alone.</summary>
    /// <exception cref="TlsSetupException">It cannot be written.</exception>
    public void WriteIfAbsent(string setting, string path, string password)
    {
        if (File.Exists(path)) return;
        using var certificate = Make();
        var store = certificate.ExportPkcs12(Pkcs12ExportPbeParameters.Pbes2Aes256Sha256, password);
        try
        {
            DurableFile.WriteNew(Path.GetFullPath(path), store, DurableFile.OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TlsSetupException(setting, $"'{path}' cannot be written: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(store);
        }
    }

    private X509Certificate2 Make()
    {
        using var key = RSA.Create(KeyBits);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(commonName);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names) alternatives.AddDnsName(name);
        foreach (var address in addresses) alternatives.AddIpAddress(address);
        request.CertificateExtensions.Add(alternatives.Build());
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddYears(1));
    }
}
