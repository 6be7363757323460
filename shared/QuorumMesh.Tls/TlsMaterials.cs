using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// The certificates and trusted CAs of one service. From <see cref="Watch"/> on their files are looked at every ten seconds.
/// </summary>
public sealed class TlsMaterials(TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private const int MostFailures = 100;

    private readonly Lock _gate = new();
    private readonly List<Func<DateTimeOffset, IEnumerable<string>>> _checks = [];
    private readonly HashSet<string> _failures = [];
    private ITimer? _timer;

    /// <param name="name">See <see cref="CertificateSource.Name"/>.</param>
    /// <param name="setting">For errors: the one that names the files.</param>
    /// <exception cref="TlsSetupException">The files cannot be read or used.</exception>
    public CertificateSource Certificate(string name, string setting, CertificateFiles files)
    {
        var source = new CertificateSource(name, setting, files);
        lock (_gate) _checks.Add(source.Check);
        return source;
    }

    /// <summary>A certificate that the service makes for itself, at once and then anew; it lies in no file.</summary>
    /// <param name="name">See <see cref="CertificateSource.Name"/>.</param>
    /// <param name="make">Gives a certificate with its private key, good at that time.</param>
    /// <param name="renewal">How long one is shown.</param>
    public CertificateSource Made(string name, Func<DateTimeOffset, X509Certificate2> make, TimeSpan renewal)
    {
        var source = new CertificateSource(name, make, renewal, clock.GetUtcNow());
        lock (_gate) _checks.Add(source.Check);
        return source;
    }

    /// <param name="paths">PEM files, each with any number of CA certificates.</param>
    /// <exception cref="TlsSetupException">The files cannot be read, or hold no certificate.</exception>
    public CaTrust Authorities(string setting, IReadOnlyList<string> paths)
    {
        var trust = CaTrust.OfPem(setting, paths, clock);
        lock (_gate) _checks.Add(trust.Check);
        return trust;
    }

    /// <param name="path">A trust store, JKS or PKCS#12.</param>
    /// <exception cref="TlsSetupException">It cannot be opened, or holds no certificate.</exception>
    public CaTrust AuthoritiesOfStore(string setting, string path, string? password)
    {
        var trust = CaTrust.OfStore(setting, path, password, clock);
        lock (_gate) _checks.Add(trust.Check);
        return trust;
    }

    /// <param name="path">PEM file of the certificates that are taken.</param>
    /// <exception cref="TlsSetupException">It cannot be read, or holds none.</exception>
    public PinnedTrust Pinned(string setting, string path)
    {
        var trust = new PinnedTrust(setting, path, clock);
        lock (_gate) _checks.Add(trust.Check);
        return trust;
    }

    /// <param name="mustExist">See <see cref="KnownPeers"/>.</param>
    /// <exception cref="TlsSetupException">It cannot be read, or is not there though it must be.</exception>
    public KnownPeers Known(string setting, string path, bool mustExist)
    {
        var known = KnownPeers.Open(setting, path, mustExist);
        lock (_gate) _checks.Add(known.Check);
        return known;
    }

    /// <summary>Other files that a service reads anew when they change.</summary>
    /// <param name="make">Throws a <see cref="TlsSetupException"/> for what it cannot use.</param>
    /// <exception cref="TlsSetupException">They cannot be read, or used.</exception>
    public WatchedFiles<T> Files<T>(string setting, IReadOnlyList<string> paths, Func<IReadOnlyList<byte[]>, T> make)
        where T : class
    {
        var files = new WatchedFiles<T>(setting, paths, make);
        lock (_gate) _checks.Add(_ => files.Check() is { } changed ? [changed] : []);
        return files;
    }

    /// <summary>Tells at once of certificates that end soon, and of changes from now on.</summary>
    /// <param name="tell">Takes a line for the log, on a thread of the pool.</param>
    public void Watch(Action<string> tell)
    {
        Check(tell);
        _timer = clock.CreateTimer(_ => Check(tell), null, Interval, Interval);
    }

    public void Dispose() => _timer?.Dispose();

    private void Check(Action<string> tell)
    {
        // A check that takes longer than the interval is not begun twice.
        if (!_gate.TryEnter()) return;
        try
        {
            var now = clock.GetUtcNow();
            foreach (var check in _checks)
                foreach (var line in Run(check, now))
                    tell(line);
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>An exception on the timer's thread would end the process: what a file does to its reader is told, once.</summary>
    private List<string> Run(Func<DateTimeOffset, IEnumerable<string>> check, DateTimeOffset now)
    {
        try
        {
            return [.. check(now)];
        }
        catch (Exception e)
        {
            if (_failures.Count >= MostFailures) _failures.Clear();
            var line = $"TLS: a file that changed cannot be read ({e.GetType().Name}: {e.Message}); what was there before stays in use";
            return _failures.Add(line) ? [line] : [];
        }
    }
}
