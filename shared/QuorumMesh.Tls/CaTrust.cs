using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// Certificates that one of the named CAs stands for: chain, dates, and the purpose where the certificate names any (RFC 5280, 4.2.1.12).
/// The machine's own list of CAs plays no part. Revocation lists are not asked for: a certificate is withdrawn by replacing its CA.
/// </summary>
public sealed class CaTrust : PeerTrust
{
    private readonly TimeProvider _clock;
    private readonly WatchedFiles<X509Certificate2Collection> _anchors;

    private CaTrust(TimeProvider clock, WatchedFiles<X509Certificate2Collection> anchors) => (_clock, _anchors) = (clock, anchors);

    internal static CaTrust OfPem(string setting, IReadOnlyList<string> paths, TimeProvider clock) =>
        new(clock, new WatchedFiles<X509Certificate2Collection>(setting, paths, contents => ReadPem(setting, paths, contents)));

    internal static CaTrust OfStore(string setting, string path, string? password, TimeProvider clock) =>
        new(clock, new WatchedFiles<X509Certificate2Collection>(setting, [path],
            contents => ReadStore(setting, path, contents[0], password)));

    internal IEnumerable<string> Check(DateTimeOffset now) => _anchors.Check() is { } changed ? [$"TLS: {changed}"] : [];

    /// <inheritdoc/>
    public override string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_anchors.Current);
        policy.ExtraStore.AddRange(between);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = _clock.GetUtcNow().UtcDateTime;
        policy.VerificationTimeIgnored = false;
        policy.ApplicationPolicy.Add(role == PeerRole.Client ? Purposes.Client : Purposes.Server);
        try
        {
            if (chain.Build(certificate)) return null;
            var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
            return EndsAtAnchor(chain, status, policy.CustomTrustStore) ? null : Explain(status, certificate, role);
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        }
    }

    /// <summary>
    /// Whether a trusted CA that is not its own issuer stands for the chain, as with Java and Go: itself is in it, byte by byte, and
    /// nothing is wrong but that what stands above it is unknown.
    /// </summary>
    private static bool EndsAtAnchor(X509Chain chain, X509ChainStatusFlags status, X509Certificate2Collection anchors)
    {
        const X509ChainStatusFlags above = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;
        return status != X509ChainStatusFlags.NoError && (status & ~above) == 0
            && chain.ChainElements.Any(e => anchors.Any(a => a.RawDataMemory.Span.SequenceEqual(e.Certificate.RawDataMemory.Span)));
    }

    private string Explain(X509ChainStatusFlags status, X509Certificate2 certificate, PeerRole role)
    {
        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid))
            return $"it is valid from {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} to "
                + $"{certificate.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} UTC, or its CA is not, and here it is "
                + $"{_clock.GetUtcNow():yyyy-MM-dd HH:mm} UTC";
        if (status.HasFlag(X509ChainStatusFlags.NotValidForUsage)) return $"it is not for TLS {role.ToString().ToLowerInvariant()}s";
        return $"no trusted CA stands for it ({status})";
    }

    internal static X509Certificate2Collection ReadPem(string setting, IReadOnlyList<string> paths, IReadOnlyList<byte[]> contents)
    {
        var all = new X509Certificate2Collection();
        for (var i = 0; i < contents.Count; i++)
        {
            try
            {
                var before = all.Count;
                all.ImportFromPem(PemText.Read(contents[i]));
                if (all.Count == before) throw new FormatException("holds no PEM certificate");
            }
            catch (Exception e) when (e is CryptographicException or FormatException)
            {
                throw new TlsSetupException(setting, $"'{paths[i]}' {e.Message}", e);
            }
        }
        return all;
    }

    private static X509Certificate2Collection ReadStore(string setting, string path, byte[] content, string? password)
    {
        try
        {
            var all = KeyStoreReader.ReadAnchors(content, password);
            return all.Count > 0 ? all : throw new TlsSetupException(setting, $"'{path}' holds no certificate: nobody would be let in");
        }
        catch (Exception e) when (e is not TlsSetupException) // a damaged store throws of many kinds
        {
            throw new TlsSetupException(setting, $"'{path}' cannot be opened; the password may be wrong, or it is no trust store", e);
        }
    }

    private static class Purposes
    {
        public static readonly Oid Server = new("1.3.6.1.5.5.7.3.1");
        public static readonly Oid Client = new("1.3.6.1.5.5.7.3.2");
    }
}
