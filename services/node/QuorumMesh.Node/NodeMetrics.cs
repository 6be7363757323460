using System.Diagnostics.Metrics;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node;

/// <summary>
/// The node's figures, under geth's names where geth has them. Gauges read what the loop publishes; nothing of a payload is
/// shown.
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    private readonly Meter _meter = new("QuorumMesh.Node");

    public NodeMetrics(NodeAssembly node, NodeEvents events, CompilationWorker? compiler)
    {
        var core = node.Core;
        Gauge("chain_head_block", "Number of the public head", () => core.Published.Head);
        Gauge("quorummesh_node_private_head", "Number of the private head", () => core.PrivateStatus.Block);
        Gauge("quorummesh_node_private_head_waiting", "1 while the private head waits for a payload",
            () => core.PrivateStatus.WaitingFor is null ? 0 : 1);
        Gauge("quorummesh_node_private_head_lag_blocks", "Blocks between the private head and the public one",
            () => core.Published.Head - Math.Min(core.Published.Head, core.PrivateStatus.Block));
        Gauge("quorummesh_node_private_head_lag_seconds", "Time since the private head last moved, while it is behind the public one",
            () => core.Progress.PrivateHeadWaitMs / 1000.0);
        Gauge("quorummesh_node_pending_wait_seconds", "Time since the last block while executable transactions wait",
            () => core.Progress.PendingWaitMs / 1000.0);
        Gauge("quorummesh_node_head_conflict", "1 while most members have another block than this node",
            () => core.HeadStanding.Conflict is null ? 0 : 1);
        Gauge("quorummesh_node_far_behind", "1 while most members are far ahead of this node", () => core.HeadStanding.IsFarBehind ? 1 : 0);
        Gauge("txpool_pending", "Executable transactions in the pool", () => core.Published.Pending);
        Gauge("txpool_queued", "Transactions behind a nonce gap", () => core.Published.Queued);
        Gauge("quorummesh_node_local_unmined", "Local transactions in the journal", () => core.Published.LocalUnmined);
        Gauge("quorummesh_raft_term", "Term of Raft", () => Raft().Term);
        Gauge("quorummesh_raft_leader", "Raft id of the leader, 0 when there is none", () => Raft().Leader);
        Gauge("quorummesh_raft_is_minter", "1 while this node mints", () => Raft().Role == RaftRole.Leader ? 1 : 0);
        Gauge("quorummesh_raft_removed", "1 once this node was removed from the cluster", () => Raft().HasLeft ? 1 : 0);
        Gauge("quorummesh_raft_members", "Members of the cluster", () => Raft().Members.Count);
        Gauge("quorummesh_raft_has_quorum", "1 while this node, as leader, hears a majority, or else knows a leader",
            () => Raft().HasQuorum ? 1 : 0);
        if (compiler is not null)
        {
            Gauge("quorummesh_evm_compiled_contracts", "Contracts compiled since the start", () => compiler.Compiled);
            Gauge("quorummesh_evm_compile_seconds", "Time spent compiling contracts since the start",
                () => compiler.TimeSpent.TotalSeconds);
            Gauge("quorummesh_evm_compile_dropped", "Hot contracts left interpreted since the start", () => compiler.Dropped);
        }

        var blocks = _meter.CreateCounter<long>("quorummesh_chain_blocks", description: "Blocks imported since the start");
        var transactions = _meter.CreateCounter<long>("quorummesh_chain_transactions", description: "Transactions in imported blocks");
        var leaders = _meter.CreateCounter<long>("quorummesh_raft_leader_changes", description: "Changes of the leader that this node saw");
        events.LeaderChanged += _ => leaders.Add(1);
        events.NewHead += head =>
        {
            blocks.Add(1);
            transactions.Add(head.Block.Transactions.Count);
        };
        CountRaft(events);
        if (node.Bft is { } bft) CountBft(bft, events);

        RaftView Raft() => node.Raft?.View ?? RaftView.None;
    }

    private void CountRaft(NodeEvents events)
    {
        var refused = _meter.CreateCounter<long>("quorummesh_raft_messages_refused",
            description: "Raft messages that were not taken, by reason");
        var passed = _meter.CreateCounter<long>("quorummesh_raft_entries_passed_over",
            description: "Committed Raft entries without effect: void blocks, invalid ones, unreadable entries");
        events.RaftMessageRefused += e => refused.Add(1, new KeyValuePair<string, object?>("reason", e.Reason));
        events.EntryPassedOver += e => passed.Add(1, new KeyValuePair<string, object?>("kind", e.Kind.ToString().ToLowerInvariant()));
    }

    private void CountBft(BftDriver bft, NodeEvents events)
    {
        Gauge("quorummesh_bft_round", "Round of the block that is being decided", () => bft.Standing.Round);
        Gauge("quorummesh_bft_validator", "1 while this node is a validator", () => bft.Standing.IsValidator ? 1 : 0);
        Gauge("quorummesh_bft_validators", "Validators of the block that is being decided",
            () => bft.Standing.Settings?.Validators.Count ?? 0);
        Gauge("quorummesh_bft_validators_reachable", "Those of them that are connected, this node counted", () => bft.Standing.Reachable);
        var rounds = _meter.CreateCounter<long>("quorummesh_bft_round_changes", description: "Rounds that came to nothing");
        var refused = _meter.CreateCounter<long>("quorummesh_bft_messages_refused",
            description: "IBFT and QBFT messages that were not taken, by reason");
        events.RoundChanged += _ => rounds.Add(1);
        events.BftMessageRefused += e => refused.Add(1, new KeyValuePair<string, object?>("reason", e.Reason));
    }

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string description, Func<double> read) =>
        _meter.CreateObservableGauge(name, read, description: description);
}
