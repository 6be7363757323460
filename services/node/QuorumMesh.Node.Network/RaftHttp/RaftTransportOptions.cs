using System.Net;
using QuorumMesh.Listeners;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Settings of the transport; etcd's where it has them.</summary>
public sealed record RaftTransportOptions
{
    /// <summary>This member's raft id.</summary>
    public required ulong Id { get; init; }

    /// <summary>Where other members reach this one; port 0 takes a free port.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Null: plain text alone, and nobody proves who he is.</summary>
    public RaftTlsOptions? Tls { get; init; }

    /// <summary>Null: blocks come and go whole.</summary>
    public RaftTransactions? Transactions { get; init; }

    /// <summary>Entries with fewer bytes go whole: there is nothing to gain.</summary>
    public int LeastCompact { get; init; } = 1_024;

    /// <summary>
    /// How long to wait for transactions that a block names and that are not here, before the member is asked: they come on another
    /// connection.
    /// </summary>
    public TimeSpan CompactPatience { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// How long blocks come or go whole after one that could not be made whole, or after too much that had to be asked for.
    /// </summary>
    public TimeSpan WholeTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>This member's address as told to the others (X-PeerURLs); null = not told.</summary>
    public Uri? AdvertisedUrl { get; init; }

    /// <summary>GoQuorum's is 0x1000.</summary>
    public ulong ClusterId { get; init; } = 0x1000;

    /// <summary>Between two requests for a stream.</summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>For the TCP connection.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A stream on which nothing comes for so long is broken; a third of it is the link heartbeat's period. etcd: 5 s.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A member that takes nothing for so long loses its stream. etcd: 5 s; longer here, for one block may be large.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Largest message or entry taken from another member.</summary>
    public int MaxFrameSize { get; init; } = 128 << 20;

    /// <summary>Messages waiting for one stream of one member; more are dropped and reported.</summary>
    public int StreamQueue { get; init; } = 4096;

    /// <summary>Messages waiting to be posted to one member.</summary>
    public int PipelineQueue { get; init; } = 64;

    /// <summary>Bytes of posts that all connections together may have under way; what does not fit is refused with 503.</summary>
    public long MaxPostBytes { get; init; } = 64L << 20;

    /// <summary>For a short post; longer ones have a second more for each MiB.</summary>
    public TimeSpan PostTime { get; init; } = TransferTime.Least;

    /// <summary>Bytes waiting for one stream of one member; more are dropped and reported.</summary>
    public long StreamQueueBytes { get; init; } = 192L << 20;

    /// <summary>Largest body of a post. Only snapshots are taken from posts, and they hold no more than the membership.</summary>
    public int MaxPostSize { get; init; } = 1 << 20;

    /// <summary>Peers that the applied membership does not name (yet).</summary>
    public int MaxIntroduced { get; init; } = 256;

    /// <summary>Between two rounds of asking known members who an unknown sender is.</summary>
    public TimeSpan IntroductionPause { get; init; } = TimeSpan.FromMilliseconds(500);
}
