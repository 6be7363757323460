using System.Diagnostics.Metrics;

namespace QuorumMesh.Node.Network;

/// <summary>Counters of the p2p network, process wide.</summary>
public static class NetworkMetrics
{
    public const string MeterName = "QuorumMesh.Node.Network";

    private static readonly Meter Meter = new(MeterName);

    internal static Counter<long> TransactionsReceived { get; } = Meter.CreateCounter<long>("quorummesh_p2p_transactions_received",
        description: "Transactions received from peers");

    internal static Counter<long> TransactionsSent { get; } = Meter.CreateCounter<long>("quorummesh_p2p_transactions_sent",
        description: "Transactions sent to peers");

    internal static Counter<long> TransactionsAnnounced { get; } = Meter.CreateCounter<long>("quorummesh_p2p_transactions_announced",
        description: "Transactions announced to peers by hash");

    internal static Counter<long> TransactionsDropped { get; } = Meter.CreateCounter<long>("quorummesh_p2p_transactions_dropped",
        description: "Transactions dropped because a peer's queue was full");

    internal static Counter<long> ConsensusDropped { get; } = Meter.CreateCounter<long>("quorummesh_p2p_consensus_dropped",
        description: "Consensus messages dropped because a bound of their peer, of all, or of one message was passed");

    internal static Counter<long> BlocksReceived { get; } = Meter.CreateCounter<long>("quorummesh_p2p_blocks_received",
        description: "New blocks received from peers, whole or by hash");

    internal static Counter<long> BlocksSent { get; } = Meter.CreateCounter<long>("quorummesh_p2p_blocks_sent",
        description: "New blocks sent to peers, whole or by hash");

    internal static Counter<long> DiscoveryDropped { get; } = Meter.CreateCounter<long>("quorummesh_p2p_discovery_dropped",
        description: "Packets of discovery dropped because they were none, or too many came");

    internal static UpDownCounter<long> Peers { get; } = Meter.CreateUpDownCounter<long>("p2p_peers", description: "Connected peers");

    internal static Counter<long> RaftTransactionsNamed { get; } = Meter.CreateCounter<long>("quorummesh_raft_transactions_named",
        description: "Transactions of blocks that were sent to Raft members by their hash alone");

    internal static Counter<long> RaftTransactionsAsked { get; } = Meter.CreateCounter<long>("quorummesh_raft_transactions_asked",
        description: "Transactions that a block named and this node had to ask the leader for");

    internal static Counter<long> RaftBlocksNotRebuilt { get; } = Meter.CreateCounter<long>("quorummesh_raft_blocks_not_rebuilt",
        description: "Blocks that came without their transactions and could not be made whole: they are asked for whole");

    private static UpDownCounter<long> PlainStreams { get; } = Meter.CreateUpDownCounter<long>("quorummesh_raft_plain_streams",
        description: "Raft streams that are open in plain text, from and to other members");

    /// <summary>Counts an open stream until it is disposed.</summary>
    internal static IDisposable? PlainStream(bool isPlain) => isPlain ? new Counted(PlainStreams) : null;

    private sealed class Counted : IDisposable
    {
        private readonly UpDownCounter<long> _counter;

        public Counted(UpDownCounter<long> counter)
        {
            _counter = counter;
            counter.Add(1);
        }

        public void Dispose() => _counter.Add(-1);
    }
}
