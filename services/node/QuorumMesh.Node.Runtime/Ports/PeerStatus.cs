using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>This node's side of the eth Status handshake. Prefer <see cref="Create"/>, which derives the fork id.</summary>
/// <param name="ForkHash">4 bytes, EIP-2124.</param>
/// <param name="ForkNext">Block of the next fork known, 0 when there is none.</param>
public sealed record PeerStatus(uint NetworkId, UInt256 TotalDifficulty, Hash256 Head, Hash256 Genesis, byte[] ForkHash, ulong ForkNext)
{
    /// <summary>Number of the head block; remote fork ids are judged against it.</summary>
    public ulong HeadNumber { get; init; }

    /// <summary>All fork blocks of the chain configuration (GoQuorum's set: 24:core/forkid/forkid.go gatherForks), any order.</summary>
    public IReadOnlyList<ulong> Forks { get; init; } = [];

    public static PeerStatus Create(uint networkId, in UInt256 totalDifficulty, in Hash256 head, ulong headNumber, in Hash256 genesis,
        IReadOnlyList<ulong> forks)
    {
        var id = ForkId.At(genesis, forks, headNumber);
        return new PeerStatus(networkId, totalDifficulty, head, genesis, id.HashBytes(), id.Next)
        {
            HeadNumber = headNumber,
            Forks = forks
        };
    }
}
