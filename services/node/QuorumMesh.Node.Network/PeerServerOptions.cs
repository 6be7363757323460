using System.Net;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Network.Peers;

namespace QuorumMesh.Node.Network;

/// <summary>Settings of <see cref="PeerServer"/>; the defaults are GoQuorum's where it has them.</summary>
public sealed class PeerServerOptions
{
    /// <summary>Of <see cref="CopyBytes"/>, where Raft's blocks come without the transactions that this node holds.</summary>
    public const long CopiesForRaft = 16 * 1024 * 1024;

    /// <summary>This node's identity.</summary>
    public required NodeKey Key { get; init; }

    /// <summary>Where to listen; port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, 30303);

    /// <summary>
    /// Address others reach this node at, for its own enode URL. Default: the listen address, or loopback when that is "any".
    /// </summary>
    public string? AdvertisedHost { get; init; }

    /// <summary>For the own enode URL; 0 leaves it out.</summary>
    public int RaftPort { get; init; }

    /// <summary>What Hello calls this node.</summary>
    public string ClientName { get; init; } = "QuorumMesh/v0.1.0/linux/dotnet10";

    /// <summary>Peers at most; static ones always get in.</summary>
    public int MaxPeers { get; init; } = 50;

    /// <summary>Networks beyond which nobody is talked to, either way; empty for no such bound.</summary>
    public IReadOnlyList<IPNetwork> NetRestrict { get; init; } = [];

    /// <summary>Handshakes of incoming connections at a time.</summary>
    public int MaxPendingHandshakes { get; init; } = 50;

    /// <summary>Offered in Hello; the highest version that both have is used.</summary>
    public IReadOnlyList<SubProtocol> Protocols { get; init; } = SubProtocol.OfEngine(EngineKind.Raft);

    /// <summary>For each part of the handshake: encryption, Hello, Status.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For the TCP connection.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Pause after the first failed dial; doubles up to <see cref="MaxRedialDelay"/>.</summary>
    public TimeSpan FirstRedialDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause between two dials of a static peer.</summary>
    public TimeSpan MaxRedialDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between two pings of ours.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A peer from which nothing comes for so long is gone: two pings of its own are due in it.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A peer that takes nothing for so long is gone, or less than 16 KiB a second beyond it.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For the answer to one request, from the last byte of a long message on.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Requests of one kind under way to a peer at a time.</summary>
    public int MaxRequestsInFlight { get; init; } = 8;

    /// <summary>Bytes of transactions waiting for one peer; beyond, the oldest are dropped.</summary>
    public long TransactionQueueBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Bytes of transactions kept that this node sent or announced to peers: for those of them that ask. Beyond, the oldest go.
    /// </summary>
    public long RecentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Bytes of transactions kept that peers sent, for blocks that name them; beyond, the oldest go. 0: none are.</summary>
    public long CopyBytes { get; init; }

    /// <summary>From the first transaction that waits to be announced to its announcement.</summary>
    public TimeSpan AnnounceAfter { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Transactions remembered per peer as known to it.</summary>
    public int KnownTransactions { get; init; } = 32_768;

    /// <summary>
    /// Bytes of frames that all peers together may have on their way in; one that begins a frame beyond it is disconnected.
    /// </summary>
    public long MaxIncomingBytes { get; init; } = 256L * 1024 * 1024;
}
