using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

internal sealed class FakePeers(Enode self, IReadOnlyList<PeerInfo> peers) : IPeerNetwork
{
    public IReadOnlyList<PeerInfo> Peers => peers;

    public Enode Self => self;

    public void SetStatus(PeerStatus own)
    {
    }

    public void BroadcastBlock(in Hash256 hash, ulong number, ReadOnlyMemory<byte> rawBlock, in UInt256 totalDifficulty,
        IReadOnlySet<Address>? holders = null)
    {
    }

    public void BanPeer(string nodeId, string reason, TimeSpan duration)
    {
    }

    /// <summary>What was asked for, in order.</summary>
    public List<string> Asked { get; } = [];

    public IReadOnlyList<ConfiguredPeer> ConfiguredPeers { get; init; } = [];

    public void AddTrustedPeer(string nodeId) => Asked.Add("trust " + nodeId);

    public void RemoveTrustedPeer(string nodeId) => Asked.Add("distrust " + nodeId);

    public void AddStaticPeer(Enode e) => Asked.Add("add " + e);

    public void RemovePeer(string nodeId) => Asked.Add("remove " + nodeId);

    public void SetAllowed(Func<string, bool>? nodeIdAllowed)
    {
    }

    public void BroadcastTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions, string? exceptNodeId, bool resend = false)
    {
    }

    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, ulong from, int count, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<byte[]>>([]);

    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, Hash256 from, int count, ulong skip, bool reverse,
        CancellationToken ct) => Task.FromResult<IReadOnlyList<byte[]>>([]);

    public Task<IReadOnlyList<byte[]>> RequestBodiesAsync(string nodeId, IReadOnlyList<Hash256> hashes, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<byte[]>>([]);
}
