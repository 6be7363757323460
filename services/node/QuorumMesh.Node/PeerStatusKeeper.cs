using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node;

/// <summary>Keeps what handshakes tell about our chain up to date with the head.</summary>
internal sealed class PeerStatusKeeper
{
    private readonly IPeerNetwork _peers;
    private readonly IReadOnlyList<ulong> _forks;
    private readonly uint _networkId;
    private readonly Hash256 _genesis;
    private UInt256 _totalDifficulty;

    public PeerStatusKeeper(IPeerNetwork peers, NodeStores stores, ulong networkId)
    {
        (_peers, _networkId) = (peers, checked((uint)networkId));
        _forks = stores.Rules.Config.ForkIdBlocks(stores.Rules.Profile);
        _genesis = ChainStore.GetCanonicalHash(stores.KeyValues, 0)!.Value;
        var head = ChainStore.GetPublicHead(stores.KeyValues)!.Value;
        _totalDifficulty = ChainStore.GetTotalDifficulty(stores.KeyValues, head.Hash) ?? UInt256.Zero;
        Tell(head);
    }

    public void Attach(NodeEvents events) => events.NewHead += head =>
    {
        _totalDifficulty += head.Block.Header.Difficulty;
        Tell(new BlockPointer(head.Block.Number, head.Block.Hash));
    };

    private void Tell(BlockPointer head) =>
        _peers.SetStatus(PeerStatus.Create(_networkId, _totalDifficulty, head.Hash, head.Number, _genesis, _forks));
}
