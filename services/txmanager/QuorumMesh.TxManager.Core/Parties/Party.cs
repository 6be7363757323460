using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>Why a manager is known; each kind has a quota of its own.</summary>
internal enum PartyOrigin
{
    /// <summary>In our configuration.</summary>
    Configured,

    /// <summary>Listed by a configured or proven manager when we asked it.</summary>
    Vouched,

    /// <summary>It called us and proved a key at its URL.</summary>
    Newcomer,
}

/// <summary>What is known of one manager. Guarded by the directory's lock.</summary>
internal sealed class Party(string url, PartyOrigin origin, string? voucher)
{
    public string Url { get; } = url;

    public string Host { get; } = new Uri(url).Host;

    public PartyOrigin Origin { get; } = origin;

    /// <summary>Who listed it first.</summary>
    public string? Voucher { get; } = voucher;

    /// <summary>Keys that it proved at its URL.</summary>
    public Dictionary<PublicKey, KeyHome> Keys { get; } = [];

    /// <summary>Whether others hear of it from us, and we from it of others.</summary>
    public bool IsTrusted => Origin == PartyOrigin.Configured || Keys.Count > 0;

    /// <summary>Whether it ever answered.</summary>
    public bool Seen { get; set; }

    public int Failures { get; set; }

    /// <summary>What its last party info said of its API versions.</summary>
    public PeerFeatures Features { get; set; }

    public bool Polling { get; set; }

    /// <summary>Clock timestamp; 0 = at once.</summary>
    public long NextPoll { get; set; }

    public long LastWanted { get; set; }

    /// <summary>When it last answered; at first when it became known.</summary>
    public long LastAnswer { get; set; }

    /// <summary>Whether a look at its list of managers is worth it, and from when on.</summary>
    public bool PullWanted { get; set; } = true;

    public long NextPull { get; set; }

    /// <summary>Whether its keys are being proven, and from when on they may be again.</summary>
    public bool Proving { get; set; }

    public long NextProof { get; set; }

    public long NextGoneCheck { get; set; }
}

/// <summary>A key at the URL that proved it, or is believed without.</summary>
internal sealed class KeyHome
{
    /// <summary>Whether the URL has proven it; one that is only believed gives way to whoever proves it.</summary>
    public bool IsProven { get; set; }

    /// <summary>Since when the URL fails to prove it while another one claims it; clock timestamp.</summary>
    public long? UnprovenSince { get; set; }
}
