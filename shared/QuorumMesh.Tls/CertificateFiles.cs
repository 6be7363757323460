using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// Where a certificate and its private key are: PEM files, or one key store (PKCS#12 or JKS, told apart by what is in it).
/// </summary>
public sealed class CertificateFiles
{
    private readonly string _setting;
    private readonly string? _password;
    private readonly bool _isPem;

    private CertificateFiles(string setting, bool isPem, string? password, params string[] paths) =>
        (_setting, _isPem, _password, Paths) = (setting, isPem, password, paths);

    internal IReadOnlyList<string> Paths { get; }

    /// <param name="setting">For errors.</param>
    /// <param name="certificate">
    /// Path of a PEM file: the certificate first, then those between it and its CA; other text is passed over.
    /// </param>
    /// <param name="key">Path of a PEM file: PKCS#8, PKCS#1 or SEC 1; RSA or elliptic curves.</param>
    /// <param name="password">Of an encrypted PKCS#8 key.</param>
    public static CertificateFiles Pem(string setting, string certificate, string key, string? password = null) =>
        new(setting, isPem: true, password, certificate, key);

    public static CertificateFiles Store(string setting, string path, string? password) => new(setting, isPem: false, password, path);

    /// <exception cref="TlsSetupException">The bytes are no certificate with its key.</exception>
    internal LoadedCertificate Read(IReadOnlyList<byte[]> contents)
    {
        try
        {
            return _isPem ? ReadPem(contents[0], contents[1]) : KeyStoreReader.ReadCertificate(contents[0], _password);
        }
        catch (Exception e) when (e is not TlsSetupException) // a damaged store throws of many kinds
        {
            throw new TlsSetupException(_setting, $"{string.Join(" and ", Paths)}: {Explain(e)}", e);
        }
    }

    private LoadedCertificate ReadPem(byte[] certificate, byte[] key)
    {
        var text = PemText.Read(certificate);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(text);
        if (chain.Count == 0) throw new FormatException("there is no PEM certificate in the first");
        var keyText = PemText.Read(key);
        try
        {
            var own = _password is { Length: > 0 } && keyText.Contains("ENCRYPTED", StringComparison.Ordinal)
                ? X509Certificate2.CreateFromEncryptedPem(chain[0].ExportCertificatePem(), keyText, _password)
                : X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), keyText);
            return new LoadedCertificate(own, [.. chain.Skip(1)]);
        }
        catch (CryptographicException e) when (!keyText.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            throw new FormatException("there is no PEM private key in the second", e);
        }
    }

    private string Explain(Exception e) => e switch
    {
        CryptographicException when !_isPem && _password is null => "the store cannot be opened; it needs a password",
        not FormatException when !_isPem => "the store cannot be opened; the password may be wrong (a key's must be the "
            + "store's), or the file is damaged",
        CryptographicException or ArgumentException =>
            $"certificate and key do not go together, or are no RSA or P-256, P-384, P-521 key: {e.Message}",
        _ => e.Message,
    };
}

/// <param name="Own">With its private key.</param>
/// <param name="Chain">Those between it and its CA.</param>
internal sealed record LoadedCertificate(X509Certificate2 Own, X509Certificate2[] Chain);
