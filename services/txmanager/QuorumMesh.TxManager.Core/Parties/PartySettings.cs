using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>How this manager finds its peers (tessera 2.8), and what strangers may add.</summary>
public sealed record PartySettings
{
    /// <summary>Our advertised P2P address, normalised.</summary>
    public required string OwnUrl { get; init; }

    /// <summary>The same as the configuration spells it: what goes out.</summary>
    public string AnnouncedUrl
    {
        get => field ?? OwnUrl;
        init;
    }

    /// <summary>Configured peers, normalised.</summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    /// <summary>Only configured peers are known, polled and answered.</summary>
    public bool DiscoveryDisabled { get; init; }

    /// <summary>
    /// Tessera's handshake in its own form: a party info is answered without a body, and one without any key is refused. Keys are proven in
    /// either case.
    /// </summary>
    public bool ValidateRemoteKeys { get; init; }

    /// <summary>
    /// Keys that a configured peer is said to have count without a proof, where nobody else has them: a Tessera with
    /// enableRemoteKeyValidation off. Newcomers prove theirs in either case.
    /// </summary>
    public bool BelievesConfigured { get; init; }

    /// <summary>Between two party infos to one manager; Tessera's default.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long after the first poll a key that nobody is known to have is waited for, while there are managers that have not
    /// been heard yet. Below the 5 seconds in which GoQuorum wants an answer.
    /// </summary>
    public TimeSpan FirstRound { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How soon a seed that never answered is tried again.</summary>
    public TimeSpan SeedRetry { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest back-off of a peer that does not answer and is not a seed.</summary>
    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// A key goes to another URL that proves it once its own has not proven it for so long; a newcomer away for so long is forgotten.
    /// </summary>
    public TimeSpan KeyMoveAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Managers that came by themselves; all have proven a key.</summary>
    public int MaxNewcomers { get; init; } = 1000;

    /// <summary>Of those, at one host name.</summary>
    public int MaxNewcomersPerHost { get; init; } = 64;

    /// <summary>Managers that others listed and that have proven no key yet.</summary>
    public int MaxUnproven { get; init; } = 500;

    /// <summary>Of those, listed by one configured manager; one that is not configured has an eighth.</summary>
    public int MaxUnprovenPerVoucher { get; init; } = 128;
}

/// <summary>A key of an active manager.</summary>
public sealed record KnownKey(PublicKey Key, string Url);
