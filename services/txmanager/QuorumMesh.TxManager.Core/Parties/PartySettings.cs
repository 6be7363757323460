using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core;

/// <summary>How this manager finds its peers (tessera 2.8).</summary>
public sealed record PartySettings
{
    /// <summary>Our advertised P2P address, normalised.</summary>
    public required string OwnUrl { get; init; }

    /// <summary>Configured peers, normalised.</summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    public bool DiscoveryDisabled { get; init; }

    public bool ValidateRemoteKeys { get; init; }

    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How soon a seed that never answered is tried again.</summary>
    public TimeSpan SeedRetry { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest back-off of a peer that does not answer and is not a seed.</summary>
    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>A key of an active manager.</summary>
public sealed record KnownKey(PublicKey Key, string Url);
