using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>Whom we trust and who we are, for TLS with a vault. Names are checked always.</summary>
internal static class VaultTls
{
    /// <exception cref="KeyException">A file is absent or of a kind that is not read.</exception>
    public static void Configure(SslClientAuthenticationOptions tls, VaultSettings settings, SecretReader secrets)
    {
        if (settings.TrustFile is { } trust)
        {
            var roots = Load(settings, trust, settings.TrustPassword, secrets);
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                // A private authority publishes no lists as a rule, and the enclave has no way out but to its vault.
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
            // A session that is taken up again keeps the leaf alone, without what leads to its CA.
            tls.AllowTlsResume = false;
            tls.RemoteCertificateValidationCallback = (_, shown, chain, errors) => errors == SslPolicyErrors.None
                || (errors == SslPolicyErrors.RemoteCertificateChainErrors && shown is not null && EndsAtAnchor(chain, roots));
        }

        if (settings.ClientFile is not { } client)
            return;
        var own = Load(settings, client, settings.ClientPassword, secrets);
        if (!own.Any(c => c.HasPrivateKey))
            throw new KeyException($"{settings.Setting}.clientFile", $"'{client}' holds no certificate with its private key");
        tls.ClientCertificates = own;
        tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => own.First(c => c.HasPrivateKey);
    }

    /// <summary>
    /// Whether a trusted CA that is not its own issuer stands for the chain, as with Java and Go: itself is in it, byte by byte, and
    /// nothing is wrong but that what stands above it is unknown.
    /// </summary>
    private static bool EndsAtAnchor(X509Chain? chain, X509Certificate2Collection anchors)
    {
        const X509ChainStatusFlags above = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;
        return chain is { ChainStatus.Length: > 0 } && chain.ChainStatus.All(s => (s.Status & ~above) == 0)
            && chain.ChainElements.Any(e => anchors.Any(a => a.RawDataMemory.Span.SequenceEqual(e.Certificate.RawDataMemory.Span)));
    }

    private static X509Certificate2Collection Load(VaultSettings settings, string path, SecretPlace password, SecretReader secrets)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFE, 0xED, 0xFE, 0xED]))
                throw new KeyException(settings.Setting, $"'{path}' is a JKS store, which is not read here; 'keytool -importkeystore "
                    + "-srckeystore FILE -destkeystore FILE.p12 -deststoretype pkcs12' makes one that is");
            if (bytes.AsSpan().IndexOf("-----BEGIN "u8) >= 0)
                return LoadPem(path);
            using var secret = password.IsNone ? null : secrets.Optional(password);
            return X509CertificateLoader.LoadPkcs12Collection(bytes,
                secret is null ? null : System.Text.Encoding.UTF8.GetString(secret.Span));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new KeyException(settings.Setting, $"cannot read the certificates in '{path}': {e.Message}", e);
        }
    }

    private static X509Certificate2Collection LoadPem(string path)
    {
        var found = new X509Certificate2Collection();
        var text = File.ReadAllText(path);
        if (text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            found.Add(X509Certificate2.CreateFromPem(text, text));
        else
            found.ImportFromPem(text);
        return found;
    }
}
