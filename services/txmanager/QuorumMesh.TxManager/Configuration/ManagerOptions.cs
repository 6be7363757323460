using QuorumMesh.Contracts;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Rest;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Tessera's server applications, and our own gRPC port for the node.</summary>
public enum AppKind
{
    P2P,
    Q2T,
    ThirdParty,
    Grpc,
}

/// <summary>One port and what it serves.</summary>
/// <param name="Ssl">Of a server of Tessera's; null speaks plain text.</param>
/// <param name="Pinned">Of our own gRPC; null speaks plain text.</param>
public sealed record AppServer(
    AppKind Kind, ListenAddress Listen, CorsPolicy? Cors = null, SslSettings? Ssl = null, PinnedLink? Pinned = null)
{
    public bool HasTls => Ssl is not null || Pinned is not null;
}

/// <summary>Everything that a manager needs to start, checked.</summary>
public sealed record ManagerOptions
{
    internal const long DefaultMaxBody = ((PayloadSender.MaxPayload + 2L) / 3 * 4) + (1024 * 1024);

    public required IReadOnlyList<AppServer> Servers { get; init; }

    /// <summary>Our advertised P2P address, normalised.</summary>
    public required string OwnUrl { get; init; }

    /// <summary>The same as the configuration spells it: what peers are told.</summary>
    public required string AnnouncedUrl { get; init; }

    /// <summary>URLs of configured peers (tessera 7.1).</summary>
    public required IReadOnlyList<string> Peers { get; init; }

    public required Func<StoreProvider> Database { get; init; }

    /// <summary>How payloads are written into rows; null: as the database has them.</summary>
    public RowCodec? RowCodec { get; init; }

    /// <summary><c>unix:/path</c>, <c>http://host:port</c> or <c>https://host:port</c>; null: the enclave is in this process, and
    /// <see cref="KeysFile"/> has its keys.</summary>
    public required string? EnclaveAddress { get; init; }

    /// <summary>The configuration's own file, whose section keys an enclave in this process reads.</summary>
    public string KeysFile { get; init; } = string.Empty;

    /// <summary>Lines for the log about members that are not used.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>The manager only takes back what its peers have of its keys, and ends (tessera 9.2).</summary>
    public bool Recovers { get; init; }

    /// <summary>How long a recovery waits for peers that do not answer.</summary>
    public TimeSpan RecoveryPeerWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Until a peer has given all of it back (tessera 2.5).</summary>
    public TimeSpan ResendWait { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Log more.</summary>
    public bool Debug { get; init; }

    /// <summary>Null speaks plain text with the enclave.</summary>
    public PinnedLink? EnclaveTls { get; init; }

    public IReadOnlyList<PublicKey> AlwaysSendTo { get; init; } = [];

    /// <summary>Only the configured peers' addresses may call the P2P port (tessera 2.7).</summary>
    public bool UseWhiteList { get; init; }

    /// <summary>Only configured peers are known (tessera 2.8).</summary>
    public bool DisablePeerDiscovery { get; init; }

    /// <summary>Tessera's form of the handshake (tessera 2.3). Off, configured peers are spared the proof, and others are not.</summary>
    public bool EnableRemoteKeyValidation { get; init; }

    /// <summary>Between two party infos to one manager.</summary>
    public TimeSpan PartyInfoInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether <c>/resend</c> INDIVIDUAL answers whoever asks, as Tessera's does, or only a proven holder of the key.</summary>
    public bool OpenResend { get; init; }

    /// <summary>Tessera's <c>features.enablePrivacyEnhancements</c>: privacy flags 1 to 3 are sent and taken.</summary>
    public bool PrivacyEnhancements { get; init; }

    /// <summary>A key goes to another URL once its own has not proven it for so long.</summary>
    public TimeSpan KeyMoveAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Keys that the operator has pinned, with their identities.</summary>
    public IReadOnlyDictionary<PublicKey, PublicKey> Identities { get; init; } = new Dictionary<PublicKey, PublicKey>();

    /// <summary>Between two questions to the enclave for its keys.</summary>
    public TimeSpan EnclaveKeySyncInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For one poll of another manager; three quarters of the interval, as with Tessera.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    /// <summary>For one push to another manager; a second more for each MiB.</summary>
    public TimeSpan PushTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For one call to the enclave.</summary>
    public TimeSpan EnclaveTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The longest body of a REST request, in bytes: the longest payload in base64, and room for the rest.</summary>
    public long MaxBody { get; init; } = DefaultMaxBody;

    /// <summary>How long a long body waits unread until the listener has room for it.</summary>
    public TimeSpan BodyWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of requests and answers that all connections of one REST listener may hold together.</summary>
    public long MaxListenerBytes { get; init; } = 256L * 1024 * 1024;

    public string? HealthUrl { get; init; }

    public bool LogJson { get; init; }
}
