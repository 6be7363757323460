using QuorumMesh.Contracts;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Rest;
using QuorumMesh.TxManager.Storage;

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
    public required IReadOnlyList<AppServer> Servers { get; init; }

    /// <summary>Our advertised P2P address, normalised.</summary>
    public required string OwnUrl { get; init; }

    /// <summary>URLs of configured peers (tessera 7.1).</summary>
    public required IReadOnlyList<string> Peers { get; init; }

    public required Func<StoreProvider> Database { get; init; }

    /// <summary><c>unix:/path</c>, <c>http://host:port</c> or <c>https://host:port</c>.</summary>
    public required string EnclaveAddress { get; init; }

    /// <summary>Null speaks plain text with the enclave.</summary>
    public PinnedLink? EnclaveTls { get; init; }

    public IReadOnlyList<PublicKey> AlwaysSendTo { get; init; } = [];

    /// <summary>Only the configured peers' addresses may call the P2P port (tessera 2.7).</summary>
    public bool UseWhiteList { get; init; }

    /// <summary>Only configured peers are known (tessera 2.8).</summary>
    public bool DisablePeerDiscovery { get; init; }

    /// <summary>Tessera's form of the handshake; keys are proven in either case (tessera 2.3).</summary>
    public bool EnableRemoteKeyValidation { get; init; }

    /// <summary>Between two party infos to one manager.</summary>
    public TimeSpan PartyInfoInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether <c>/resend</c> INDIVIDUAL answers whoever asks, as Tessera's does, or only a proven holder of the key.</summary>
    public bool OpenResend { get; init; }

    /// <summary>A key goes to another URL once its own has not proven it for so long.</summary>
    public TimeSpan KeyMoveAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Between two questions to the enclave for its keys.</summary>
    public TimeSpan EnclaveKeySyncInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For one call to another manager; three quarters of the interval, as with Tessera.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    /// <summary>For one call to the enclave.</summary>
    public TimeSpan EnclaveTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The longest body of a REST request, in bytes.</summary>
    public long MaxBody { get; init; } = 10 * 1024 * 1024;

    /// <summary>Bytes of requests and answers that all connections of one REST listener may hold together.</summary>
    public long MaxListenerBytes { get; init; } = 256L * 1024 * 1024;

    public string? HealthUrl { get; init; }

    public bool LogJson { get; init; }
}
