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
        _meter.CreateObservableCounter("quorummesh_txmanager_kept_receipts", () => parts.Receipts.Kept,
            description: "Payloads whose recipients' receipts were kept.");
        _meter.CreateObservableCounter("quorummesh_txmanager_refused_receipts", () => parts.Receipts.Refused,
            description: "Receipts that the recipients' identities have not signed.");
        _meter.CreateObservableCounter("quorummesh_txmanager_lost_receipts", () => parts.Receipts.Lost,
            description: "Receipts that the store did not take; a push that is repeated brings them again.");
        _meter.CreateObservableCounter("quorummesh_txmanager_given_receipts", () => parts.GivenReceipts.Given,
            description: "Payloads of peers that our identity has signed for.");
        _meter.CreateObservableGauge("quorummesh_txmanager_pinned_keys", () => parts.Identities.Pins.Count,
            description: "Keys that are pinned to an identity, our own among them.");
        _meter.CreateObservableGauge("quorummesh_txmanager_identity_conflicts", () => parts.Identities.Conflicts.Count,
            description: "Keys that a manager claims against the identity that they are pinned to; an operator decides.");
        _meter.CreateObservableCounter("quorummesh_txmanager_refused_identities", () => parts.PeerIdentities.Refusals,
            description: "Announcements of identities, and claims of keys against them, that were refused.");
    }

    public void Dispose() => _meter.Dispose();
}
