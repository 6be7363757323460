using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>
/// What peers ask of and tell this node. Called on the peers' own threads, one call at a time per peer: must be fast and thread
/// safe.
/// </summary>
public interface IPeerRequestHandler
{
    /// <param name="raw">
    /// Each as <c>eth_sendRawTransaction</c> takes it: an RLP list, or type byte and payload (EIP-2718). Not validated beyond
    /// that. Slices of one message's buffer: copy what is kept for long.
    /// </param>
    void OnTransactions(string nodeId, IReadOnlyList<ReadOnlyMemory<byte>> raw);

    /// <summary>RLP headers for a query; empty when the origin is unknown. <see cref="HeaderQuery.Amount"/> is already capped.</summary>
    IReadOnlyList<byte[]> GetHeaders(HeaderQuery query);

    /// <summary>RLP bodies <c>[transactions, uncles]</c> of the blocks known, in the order asked, others left out.</summary>
    IReadOnlyList<byte[]> GetBodies(IReadOnlyList<Hash256> hashes);

    /// <summary>
    /// Before anything else of this peer. It is taken to know no transactions: broadcast the pool to reach it; peers that have
    /// them are left out.
    /// </summary>
    void OnPeerConnected(PeerInfo peer);

    /// <summary>Once for every <see cref="OnPeerConnected"/>, before a later connection of the same node is told.</summary>
    void OnPeerDisconnected(string nodeId);

    /// <summary>A block announced with its body (NewBlock); not used in Raft networks.</summary>
    /// <param name="rawBlock">RLP of one list: a slice of the message's buffer.</param>
    /// <returns>Its hash; null when it is none of use.</returns>
    /// <exception cref="FormatException">It is no block.</exception>
    Hash256? OnNewBlock(string nodeId, ReadOnlyMemory<byte> rawBlock, UInt256 totalDifficulty) => null;

    /// <summary>Blocks announced by hash and number (NewBlockHashes); not used in Raft networks.</summary>
    void OnNewBlockHashes(string nodeId, IReadOnlyList<(Hash256 Hash, ulong Number)> announced) { }

    /// <summary>Those of the announced transactions that this node has not seen.</summary>
    IReadOnlyList<Hash256> UnknownOf(IReadOnlyList<Hash256> transactions) => [];
}
