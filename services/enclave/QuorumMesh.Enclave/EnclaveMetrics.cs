using System.Diagnostics;
using System.Diagnostics.Metrics;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave;

/// <summary>Counts and durations per operation; never a key or payload as a label.</summary>
internal sealed class EnclaveMetrics : IDisposable
{
    private readonly Meter _meter = new("QuorumMesh.Enclave");
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _seconds;

    public EnclaveMetrics(PayloadSealer sealer, SharedKeyCache cache, KeyCustody custody, TimeProvider time)
    {
        _requests = _meter.CreateCounter<long>("quorummesh_enclave_requests_total", description: "Requests by operation and outcome.");
        _seconds = _meter.CreateHistogram<double>("quorummesh_enclave_request_seconds", description: "Time in the enclave by operation.");
        _meter.CreateObservableGauge("quorummesh_enclave_keys", () => sealer.Ring.Keys.Count, description: "Key pairs held.");
        _meter.CreateObservableGauge("quorummesh_enclave_keys_retired",
            () => sealer.Ring.Keys.Count(k => k.State == EnclaveKeyState.Retired),
            description: "Key pairs held that only open.");
        _meter.CreateObservableGauge<double>("quorummesh_enclave_key_confirmation_age_seconds",
            () => Age(custody.Contact, time.GetUtcNow()),
            description: "Time since the vault last confirmed the keys; absent where none is in a vault.");
        _meter.CreateObservableGauge("quorummesh_enclave_shared_keys", () => cache.Count,
            description: "Shared keys kept in locked memory.");
        _meter.CreateObservableCounter("quorummesh_enclave_shared_key_hits_total", () => cache.Hits,
            description: "Shared keys found in the cache.");
        _meter.CreateObservableCounter("quorummesh_enclave_shared_key_misses_total", () => cache.Misses,
            description: "Shared keys computed.");
    }

    public void Record(string operation, string outcome, long startedAt)
    {
        _requests.Add(1, new KeyValuePair<string, object?>("operation", operation), new KeyValuePair<string, object?>("outcome", outcome));
        _seconds.Record(Stopwatch.GetElapsedTime(startedAt).TotalSeconds, new KeyValuePair<string, object?>("operation", operation));
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<double>> Age(DateTimeOffset? since, DateTimeOffset now)
    {
        if (since is { } known)
            yield return new Measurement<double>((now - known).TotalSeconds);
    }
}
