using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Node;

/// <summary>One life's end of the p2p network: questions and answers are late, or are lost.</summary>
internal sealed class SimulatedPeers(SimulatedNode node, NodeNetwork network) : IPeerNetwork
{
    public IReadOnlyList<PeerInfo> Peers =>
        [.. network.Nodes.Where(n => n != node && n.IsUp).Select(n => Info(n, network))];

    public Enode Self => throw new InvalidOperationException("not asked for here");

    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, ulong from, int count, CancellationToken ct) =>
        Ask(nodeId, peer => peer.GetHeaders(new HeaderQuery(null, from, count, 0, false)));

    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, Hash256 from, int count, ulong skip, bool reverse,
        CancellationToken ct) =>
        Ask(nodeId, peer => peer.GetHeaders(new HeaderQuery(from, 0, count, skip, reverse)));

    /// <summary>Few at a time, so that a catch-up takes several answers.</summary>
    public Task<IReadOnlyList<byte[]>> RequestBodiesAsync(string nodeId, IReadOnlyList<Hash256> hashes, CancellationToken ct)
    {
        const int most = 8;
        return Ask(nodeId, peer => peer.GetBodies([.. hashes.Take(most)]));
    }

    public void BroadcastTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions, string? exceptNodeId, bool resend = false)
    {
        network.MayLosePower();
        network.Gossip(node, [.. rawTransactions.Select(raw => raw.ToArray())]);
    }

    public void SetStatus(PeerStatus own)
    {
    }

    public void BroadcastBlock(in Hash256 hash, ulong number, ReadOnlyMemory<byte> rawBlock, in UInt256 totalDifficulty,
        IReadOnlySet<Address>? holders = null) =>
        network.Announce(node, new BlockPointer(number, hash), rawBlock.ToArray(), totalDifficulty, a => holders?.Contains(a) == true);

    public void BanPeer(string nodeId, string reason, TimeSpan duration)
    {
    }

    public IReadOnlyList<ConfiguredPeer> ConfiguredPeers => [];

    public void AddTrustedPeer(string nodeId)
    {
    }

    public void RemoveTrustedPeer(string nodeId)
    {
    }

    public void AddStaticPeer(Enode e)
    {
    }

    public void RemovePeer(string nodeId)
    {
    }

    public void SetAllowed(Func<string, bool>? nodeIdAllowed)
    {
    }

    public static PeerInfo Info(SimulatedNode n, NodeNetwork network) =>
        new(n.NodeId, $"{n.Id}", [], "", "", false, true, 63, network.DifficultyOf(n), default);

    private Task<IReadOnlyList<byte[]>> Ask(string nodeId, Func<IPeerRequestHandler, IReadOnlyList<byte[]>> question)
    {
        var answer = new TaskCompletionSource<IReadOnlyList<byte[]>>();
        network.Ask(node, network.Nodes.First(n => n.NodeId == nodeId), question, given =>
        {
            if (given is null) answer.TrySetException(new PeerRequestException("the peer does not answer"));
            else answer.TrySetResult(given);
        });
        return answer.Task;
    }
}
