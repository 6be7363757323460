using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

internal sealed partial class Peer
{
    /// <summary>A set of 100 validators that each gossip all messages of a height each second stays below it.</summary>
    private const int ConsensusPerSecond = 1_000;
    private const int ConsensusBurst = 8_000;
    private const int ConsensusCount = 1_024;
    private const long ConsensusBytes = 24L * 1024 * 1024;

    private readonly IstanbulQueue _consensus = new(ConsensusCount, ConsensusBytes);
    private readonly HeldMessages _heldConsensus = new(ConsensusCount, ConsensusBytes);
    private readonly KnownHashes _knownConsensus = new(ConsensusCount);
    private readonly RateLimit _consensusRate;
    private readonly IstanbulHub _hub;
    private readonly MatchedProtocol? _istanbul;

    /// <summary>Null when it takes no consensus messages.</summary>
    public IstanbulPeer? Istanbul { get; }

    /// <summary>Queues a consensus message for it, unless its protocol has no such code or it is known to have it.</summary>
    /// <param name="payload">As it stands on the wire.</param>
    /// <returns>False when it was not queued.</returns>
    public bool EnqueueConsensus(int code, ReadOnlyMemory<byte> payload, in Hash256 digest, bool evenIfKnown)
    {
        if (_istanbul is null || code >= _istanbul.Protocol.Length || (!_knownConsensus.Add(digest) && !evenIfKnown))
            return false;
        if (_consensus.Enqueue(_istanbul.Offset + code, payload) is > 0 and var dropped)
            NetworkMetrics.ConsensusDropped.Add(dropped);
        Wake();
        return true;
    }

    /// <summary>
    /// What is sent on one connection of a chain's messages: versions 64 and 99 of istanbul carry them themselves, and then nobody speaks
    /// eth beside it, even when both sides have it.
    /// </summary>
    private static MatchedProtocol ChainProtocol(IReadOnlyList<MatchedProtocol> protocols) =>
        protocols.FirstOrDefault(match => match.Protocol is { CarriesChain: true, CarriesConsensus: true })
            ?? protocols.First(match => match.Protocol.CarriesChain);

    private void HandleConsensus(int code, ReadOnlyMemory<byte> payload)
    {
        if (!_consensusRate.TryTake())
        {
            NetworkMetrics.ConsensusDropped.Add(1);
            return;
        }
        var message = IstanbulWire.Unwrap(code, payload);
        _knownConsensus.Add(IstanbulHub.Digest(message));
        Guard(() =>
        {
            if (!_hub.TryDeliver(Istanbul!, code, message, _heldConsensus))
                NetworkMetrics.ConsensusDropped.Add(1);
        });
    }

    private async Task WriteConsensusAsync()
    {
        while (_consensus.TryTake(out var message))
        {
            _connection.Write(message.Code, message.Payload.Span);
            if (_connection.Pending >= FlushAt)
                await FlushAsync().ConfigureAwait(false);
        }
    }
}
