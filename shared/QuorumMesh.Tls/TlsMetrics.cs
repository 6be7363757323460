using System.Diagnostics.Metrics;

namespace QuorumMesh.Tls;

/// <summary>Seconds that every certificate of the process is still valid for.</summary>
internal static class TlsMetrics
{
    private static readonly Meter Meter = new("QuorumMesh.Tls");
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<CertificateSource>> Sources = [];

    private static readonly Counter<long> Refused = Meter.CreateCounter<long>(
        "quorummesh_tls_peers_refused", description: "Certificates of peers that were refused");

    static TlsMetrics() => Meter.CreateObservableGauge("quorummesh_certificate_expiry_seconds", Read,
        description: "Seconds until a certificate of this service expires; negative after that");

    public static void Add(CertificateSource source)
    {
        lock (Gate)
        {
            Sources.RemoveAll(r => !r.TryGetTarget(out _));
            Sources.Add(new WeakReference<CertificateSource>(source));
        }
    }

    public static void PeerRefused(string link) => Refused.Add(1, new KeyValuePair<string, object?>("link", link));

    private static List<Measurement<double>> Read()
    {
        lock (Gate)
        {
            var read = new List<Measurement<double>>(Sources.Count);
            foreach (var reference in Sources)
                if (reference.TryGetTarget(out var source))
                    read.Add(new Measurement<double>((source.Expires - DateTimeOffset.UtcNow).TotalSeconds,
                        new KeyValuePair<string, object?>("certificate", source.Name)));
            return read;
        }
    }
}
