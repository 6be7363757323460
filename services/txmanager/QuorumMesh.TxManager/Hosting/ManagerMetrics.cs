using System.Diagnostics.Metrics;
using QuorumMesh.TxManager.Core.Keys;

namespace QuorumMesh.TxManager.Hosting;

internal sealed class ManagerMetrics : IDisposable
{
    private readonly Meter _meter = new("QuorumMesh.TxManager");

    public ManagerMetrics(Composition parts)
    {
        _meter.CreateObservableGauge("quorummesh_txmanager_waiting_writes", () => parts.Store.WaitingWrites,
            description: "Writes that wait for their commit.");
        _meter.CreateObservableGauge(
            "quorummesh_txmanager_known_keys", () => parts.Directory.ActiveKeys().Count,
            description: "Keys of other managers that are active.");
        _meter.CreateObservableGauge(
            "quorummesh_txmanager_unseen_seeds", () => parts.Directory.UnseenSeeds(), description: "Configured peers that never answered.");
        _meter.CreateObservableCounter(
            "quorummesh_txmanager_refused_party_infos", () => parts.Directory.Refusals,
            description: "Announcements, keys and URLs of managers that were refused.");
        _meter.CreateObservableCounter(
            "quorummesh_txmanager_damaged_payload_reads", () => parts.Store.DamagedReads,
            description: "Reads that found a stored row damaged.");
        _meter.CreateObservableGauge(
            "quorummesh_txmanager_recovered_payloads", () => parts.Intake.Taken,
            description: "Payloads that other managers gave back in this round of a recovery.");
        _meter.CreateObservableGauge("quorummesh_txmanager_own_keys", () => parts.OwnKeys.ActiveOrNull?.Count ?? 0,
            description: "Keys of our enclave.");
    }

    public void Dispose() => _meter.Dispose();
}
