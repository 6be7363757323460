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

    public EnclaveMetrics(PayloadSealer sealer, SharedKeyCache cache)
    {
        _requests = _meter.CreateCounter<long>("quorummesh_enclave_requests_total", description: "Requests by operation and outcome.");
        _seconds = _meter.CreateHistogram<double>("quorummesh_enclave_request_seconds", description: "Time in the enclave by operation.");
        _meter.CreateObservableGauge("quorummesh_enclave_keys", () => sealer.Ring.Keys.Count, description: "Key pairs held.");
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
}
