using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// A certificate that a service shows, read anew when its files change. Connections that are open keep theirs, new ones have the new one.
/// </summary>
public sealed class CertificateSource
{
    /// <summary>How long before its end a certificate is told of.</summary>
    private static readonly TimeSpan WarnAhead = TimeSpan.FromDays(30);

    private static readonly TimeSpan WarnEvery = TimeSpan.FromDays(1);

    private readonly WatchedFiles<SslStreamCertificateContext> _files;
    private DateTimeOffset _nextWarning;

    /// <exception cref="TlsSetupException">The files cannot be read or used.</exception>
    internal CertificateSource(string name, string setting, CertificateFiles files)
    {
        Name = name;
        _files = new WatchedFiles<SslStreamCertificateContext>(setting, files.Paths, contents =>
        {
            var read = files.Read(contents);
            // Offline: a certificate's own words about where its issuer is to be had are no reason to call there.
            try
            {
                return SslStreamCertificateContext.Create(read.Own, [.. read.Chain], offline: true);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new TlsSetupException(setting, $"{string.Join(" and ", files.Paths)}: cannot be used for TLS: {e.Message}", e);
            }
        });
        TlsMetrics.Add(this);
    }

    /// <summary>What the certificate is for, in metrics and log lines: <c>rpc</c>, <c>p2p-server</c>.</summary>
    public string Name { get; }

    internal SslStreamCertificateContext Current => _files.Current;

    internal DateTimeOffset Expires => new(Current.TargetCertificate.NotAfter.ToUniversalTime());

    /// <returns>Lines for the log.</returns>
    internal IEnumerable<string> Check(DateTimeOffset now)
    {
        if (_files.Check() is { } changed)
        {
            _nextWarning = default;
            yield return $"TLS: {changed}";
        }
        if (Warning(now) is { } warning) yield return warning;
    }

    private string? Warning(DateTimeOffset now)
    {
        if (now < _nextWarning || Expires - now > WarnAhead) return null;
        _nextWarning = now + WarnEvery;
        var subject = $"the certificate {Name} ({Current.TargetCertificate.Subject})";
        return Expires <= now ? $"TLS: {subject} has expired on {Expires:yyyy-MM-dd HH:mm} UTC: replace its files, no restart is needed"
            : $"TLS: {subject} expires in {(Expires - now).TotalDays:0} days, on {Expires:yyyy-MM-dd HH:mm} UTC: replace its files, "
            + "no restart is needed";
    }
}
