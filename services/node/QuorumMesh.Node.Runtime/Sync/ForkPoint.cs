using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>Where a peer's chain parts from ours, by halving: for the report, never to go there.</summary>
internal sealed class ForkPoint(IPeerNetwork peers, NodeStores stores, TimeProvider clock)
{
    /// <param name="differs">A block that is known to differ.</param>
    /// <returns>Number of the first block that differs.</returns>
    /// <exception cref="PeerRequestException">The peer does not answer.</exception>
    public async Task<ulong> FindAsync(string nodeId, ulong differs, CancellationToken cancellation)
    {
        var same = 0ul;
        while (differs > same + 1)
        {
            var middle = same + ((differs - same) / 2);
            using var limit = new CancellationTokenSource(HeaderRanges.Timeout, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
            var raw = await peers.RequestHeadersAsync(nodeId, middle, 1, either.Token);
            if (raw.Count != 1) throw new PeerRequestException($"the peer has block {differs} but not {middle}");
            if (ChainStore.GetCanonicalHash(stores.KeyValues, middle) == BlockHeader.Decode(raw[0]).Hash) same = middle;
            else differs = middle;
        }
        return differs;
    }
}
