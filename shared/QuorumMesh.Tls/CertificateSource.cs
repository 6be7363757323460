using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// A certificate that a service shows: of files, read anew when they change, or made by the service itself and made anew now and then.
/// Connections that are open keep theirs, new ones have the new one.
/// </summary>
public sealed class CertificateSource
{
    /// <summary>How long before its end a certificate is told of.</summary>
    private static readonly TimeSpan WarnAhead = TimeSpan.FromDays(30);

    private static readonly TimeSpan WarnEvery = TimeSpan.FromDays(1);

    private readonly Func<SslStreamCertificateContext> _current;
    private readonly Func<DateTimeOffset, string?> _replace;
    private readonly bool _isMade;
    private DateTimeOffset _nextWarning;

    /// <exception cref="TlsSetupException">The files cannot be read or used.</exception>
    internal CertificateSource(string name, string setting, CertificateFiles files)
    {
        Name = name;
        var watched = new WatchedFiles<SslStreamCertificateContext>(setting, files.Paths, contents =>
        {
            var read = files.Read(contents);
            try
            {
                return Context(read.Own, read.Chain);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new TlsSetupException(setting, $"{string.Join(" and ", files.Paths)}: cannot be used for TLS: {e.Message}", e);
            }
        });
        (_current, _replace) = (() => watched.Current, _ => watched.Check());
        TlsMetrics.Add(this);
    }

    /// <summary>Nobody has to look after it, so that no metric and no warning tells of its end.</summary>
    internal CertificateSource(string name, Func<DateTimeOffset, X509Certificate2> make, TimeSpan renewal, DateTimeOffset now)
    {
        (Name, _isMade) = (name, true);
        var (current, made) = (Context(make(now), []), now);
        _current = () => Volatile.Read(ref current);
        _replace = at =>
        {
            // A clock that was set back counts like one that went on.
            if ((at - made).Duration() < renewal) return null;
            Volatile.Write(ref current, Context(make(at), []));
            made = at;
            return null;
        };
    }

    /// <summary>What the certificate is for, in metrics and log lines: <c>rpc</c>, <c>p2p-server</c>.</summary>
    public string Name { get; }

    internal SslStreamCertificateContext Current => _current();

    internal DateTimeOffset Expires => new(Current.TargetCertificate.NotAfter.ToUniversalTime());

    /// <summary>Offline: a certificate's own words about where its issuer is to be had are no reason to call there.</summary>
    private static SslStreamCertificateContext Context(X509Certificate2 own, X509Certificate2[] chain) =>
        SslStreamCertificateContext.Create(own, [.. chain], offline: true);

    /// <returns>Lines for the log.</returns>
    internal IEnumerable<string> Check(DateTimeOffset now)
    {
        if (_replace(now) is { } changed)
        {
            _nextWarning = default;
            yield return $"TLS: {changed}";
        }
        if (Warning(now) is { } warning) yield return warning;
    }

    private string? Warning(DateTimeOffset now)
    {
        if (_isMade || now < _nextWarning || Expires - now > WarnAhead) return null;
        _nextWarning = now + WarnEvery;
        var subject = $"the certificate {Name} ({Current.TargetCertificate.Subject})";
        return Expires <= now ? $"TLS: {subject} has expired on {Expires:yyyy-MM-dd HH:mm} UTC: replace its files, no restart is needed"
            : $"TLS: {subject} expires in {(Expires - now).TotalDays:0} days, on {Expires:yyyy-MM-dd HH:mm} UTC: replace its files, "
            + "no restart is needed";
    }
}
