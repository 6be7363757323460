using QuorumMesh.Contracts;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Rest;
using QuorumMesh.TxManager.Storage;

namespace QuorumMesh.TxManager.Configuration;

public enum AppKind
{
    P2P,
    Q2T,
    ThirdParty,
    Grpc,
}

public sealed record AppServer(AppKind Kind, ListenAddress Listen, CorsPolicy? Cors = null);

/// <summary>Everything that a manager needs to start, checked.</summary>
public sealed record ManagerOptions
{
    public required IReadOnlyList<AppServer> Servers { get; init; }

    /// <summary>Our advertised P2P address, normalised.</summary>
    public required string OwnUrl { get; init; }

    public required IReadOnlyList<string> Peers { get; init; }

    public required Func<StoreProvider> Database { get; init; }

    /// <summary><c>unix:/path</c> or <c>http://host:port</c>.</summary>
    public required string EnclaveAddress { get; init; }

    public IReadOnlyList<PublicKey> AlwaysSendTo { get; init; } = [];

    public bool UseWhiteList { get; init; }

    public bool DisablePeerDiscovery { get; init; }

    public bool EnableRemoteKeyValidation { get; init; }

    public TimeSpan PartyInfoInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether <c>/resend</c> INDIVIDUAL answers whoever asks, as Tessera's does, or only a proven holder of the key.</summary>
    public bool OpenResend { get; init; }

    /// <summary>A key goes to another URL once its own has not proven it for so long.</summary>
    public TimeSpan KeyMoveAfter { get; init; } = TimeSpan.FromHours(1);

    public TimeSpan EnclaveKeySyncInterval { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    public TimeSpan EnclaveTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The longest body of a REST request, in bytes.</summary>
    public long MaxBody { get; init; } = 10 * 1024 * 1024;

    /// <summary>Bytes of requests and answers that all connections of one REST listener may hold together.</summary>
    public long MaxListenerBytes { get; init; } = 256L * 1024 * 1024;

    public string? HealthUrl { get; init; }

    public bool LogJson { get; init; }
}
