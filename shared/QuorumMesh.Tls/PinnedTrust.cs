using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// The certificates of one file and no other, within their dates: for a link between two services that know each other. Several are for the
/// time in which one is replaced by the next.
/// </summary>
public sealed class PinnedTrust : PeerTrust
{
    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly WatchedFiles<HashSet<string>> _pinned;

    /// <exception cref="TlsSetupException">The file cannot be read, or holds no certificate.</exception>
    internal PinnedTrust(string setting, string path, TimeProvider clock)
    {
        (_path, _clock) = (path, clock);
        _pinned = new WatchedFiles<HashSet<string>>(setting, [path], contents =>
            [.. CaTrust.ReadPem(setting, [path], contents).Select(Digest)]);
    }

    internal IEnumerable<string> Check(DateTimeOffset now) => _pinned.Check() is { } changed ? [$"TLS: {changed}"] : [];

    /// <inheritdoc/>
    public override string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role)
    {
        if (!_pinned.Current.Contains(Digest(certificate))) return $"it is not in {_path}";
        var now = _clock.GetUtcNow().UtcDateTime;
        var (from, to) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        return now >= from && now <= to ? null
            : $"it is valid from {from:yyyy-MM-dd HH:mm} to {to:yyyy-MM-dd HH:mm} UTC, and here it is {now:yyyy-MM-dd HH:mm} UTC";
    }

    private static string Digest(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);
}
