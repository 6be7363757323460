using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

internal sealed partial class Peer
{
    /// <summary>geth's maxKnownBlocks.</summary>
    private const int KnownBlocks = 1_024;

    private readonly KnownHashes _knownBlocks = new(KnownBlocks);

    /// <summary>False when the peer has the block: it sent it, or was told of it.</summary>
    public bool Lacks(in Hash256 block) => !_knownBlocks.Contains(block);

    /// <summary>Queues a new block, whole or by its hash.</summary>
    /// <param name="code">Of the message.</param>
    public void SendBlock(in Hash256 hash, int code, byte[] payload)
    {
        // A peer that takes nothing hears of a later block, or asks.
        if (_knownBlocks.Add(hash) && TrySend(_eth.Offset + code, payload))
            NetworkMetrics.BlocksSent.Add(1);
    }

    private void HandleNewBlock(ReadOnlyMemory<byte> payload)
    {
        var (block, difficulty) = EthMessages.DecodeNewBlock(payload);
        NetworkMetrics.BlocksReceived.Add(1);
        Guard(() =>
        {
            if (_handler.OnNewBlock(NodeId, block, difficulty) is not { } hash)
                return;
            _knownBlocks.Add(hash);
            if (difficulty > Info.TotalDifficulty)
                Info = Info with { TotalDifficulty = difficulty, Head = hash };
        });
    }

    private void HandleNewBlockHashes(ReadOnlyMemory<byte> payload)
    {
        var announced = EthMessages.DecodeNewBlockHashes(payload.Span);
        foreach (var (hash, _) in announced)
            _knownBlocks.Add(hash);
        NetworkMetrics.BlocksReceived.Add(announced.Count);
        Guard(() => _handler.OnNewBlockHashes(NodeId, announced));
    }
}
