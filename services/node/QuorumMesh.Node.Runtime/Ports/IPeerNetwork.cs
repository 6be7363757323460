using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>The devp2p network as the runtime sees it. All members are thread safe.</summary>
public interface IPeerNetwork
{
    /// <summary>The peers whose Status handshake has succeeded, at this moment.</summary>
    IReadOnlyList<PeerInfo> Peers { get; }

    /// <summary>The peers of <see cref="AddStaticPeer"/>, connected or not.</summary>
    IReadOnlyList<ConfiguredPeer> ConfiguredPeers { get; }

    /// <summary>How others reach this node.</summary>
    Enode Self { get; }

    /// <summary>Sets the status told to (and checked against) peers in later handshakes; live connections stay.</summary>
    void SetStatus(PeerStatus own);

    /// <summary>
    /// Keeps a connection to this node: dialled at once, and again with back-off whenever it is lost. A known id gets the new
    /// address. It is identified by its node key alone: a host name is resolved anew for each dial. A ban on it ends.
    /// </summary>
    void AddStaticPeer(Enode e);

    /// <summary>Forgets a static peer and closes its connection.</summary>
    /// <param name="nodeId">128 hex digits, any case.</param>
    void RemovePeer(string nodeId);

    /// <summary>Lets a node in however many peers there are; it is not dialled for that. At most 1,000.</summary>
    /// <param name="nodeId">128 hex digits, any case.</param>
    void AddTrustedPeer(string nodeId);

    /// <summary>Takes <see cref="AddTrustedPeer"/> back; a connection stays.</summary>
    void RemoveTrustedPeer(string nodeId);

    /// <summary>
    /// Sets who may connect, by 128 lower-case hex digits; <c>null</c> lets everybody in. Peers that no longer pass are closed.
    /// </summary>
    void SetAllowed(Func<string, bool>? nodeIdAllowed);

    /// <summary>
    /// Queues transactions for every peer that is not known to have them. Never blocks; a full queue of a slow peer loses its
    /// oldest entries.
    /// </summary>
    /// <param name="rawTransactions">
    /// Each as <c>eth_sendRawTransaction</c> takes it: an RLP list, or type byte and payload (EIP-2718).
    /// </param>
    /// <param name="exceptNodeId">The peer they came from, or null.</param>
    /// <param name="resend">True sends to peers that already had them too: for re-announcing what is still not mined.</param>
    void BroadcastTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions, string? exceptNodeId, bool resend = false);

    /// <summary>
    /// Passes on what a peer has sent: the peers that are not known to have it get it whole, and by its hash where both sides know that
    /// the other one asks at once, for most have it from where it came from. Never blocks.
    /// </summary>
    /// <param name="rawTransactions">As for <see cref="BroadcastTransactions"/>.</param>
    void RelayTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions) => BroadcastTransactions(rawTransactions, null);

    /// <summary>
    /// Tells the peers that lack it of a new block: some get it whole (the square root of their number, four at least, as GoQuorum does),
    /// the others its hash. Never blocks.
    /// </summary>
    /// <param name="rawBlock">RLP <c>[header, transactions, uncles]</c>.</param>
    /// <param name="totalDifficulty">With the block's own.</param>
    /// <param name="holders">Accounts of node keys that are known to have its transactions: their peers get the hash alone.</param>
    void BroadcastBlock(in Hash256 hash, ulong number, ReadOnlyMemory<byte> rawBlock, in UInt256 totalDifficulty,
        IReadOnlySet<Address>? holders = null);

    /// <summary>
    /// Closes the connection to a peer, and keeps none with the same node key for a time, whoever dials and from wherever.
    /// </summary>
    /// <param name="reason">What it did, for the log and for <c>admin_peers</c>.</param>
    void BanPeer(string nodeId, string reason, TimeSpan duration);

    /// <summary>Headers from a block number upwards, as RLP items. At most 192; fewer, or none, when the peer has no more.</summary>
    /// <exception cref="PeerRequestException">Peer unknown, gone, late or answering nonsense.</exception>
    Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, ulong from, int count, CancellationToken ct);

    /// <summary>Headers starting at a hash, as RLP items; see <see cref="HeaderQuery"/>.</summary>
    /// <exception cref="PeerRequestException">Peer unknown, gone, late or answering nonsense.</exception>
    Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, Hash256 from, int count, ulong skip, bool reverse, CancellationToken ct);

    /// <summary>
    /// Bodies as RLP items <c>[transactions, uncles]</c>, in the order asked. At most 128; the peer leaves out those it lacks,
    /// and may stop early at 2 MB.
    /// </summary>
    /// <exception cref="PeerRequestException">Peer unknown, gone, late or answering nonsense.</exception>
    Task<IReadOnlyList<byte[]>> RequestBodiesAsync(string nodeId, IReadOnlyList<Hash256> hashes, CancellationToken ct);

    /// <summary>
    /// Bytes of long messages that have come from a peer since it connected, the one on its way included: they show that an answer which
    /// takes its time goes on coming. 0 for one that is not connected.
    /// </summary>
    /// <param name="nodeId">128 hex digits.</param>
    long ReceivedFrom(string nodeId) => 0;
}
