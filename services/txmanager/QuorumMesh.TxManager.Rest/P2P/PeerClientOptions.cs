namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>Bounds of the calls to other managers.</summary>
public sealed record PeerClientOptions
{
    /// <summary>For a poll. Tessera's default: three quarters of the party info interval.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    /// <summary>
    /// For a push: waiting for its turn, and every attempt; a second more for each MiB. Longer than Tessera's, whose pushes fail while its
    /// peers are busy with each other (tessera 13.3).
    /// </summary>
    public TimeSpan PushTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Until a peer has given back all that it has of a key: Tessera's resendWaitTime.</summary>
    public TimeSpan ResendWait { get; init; } = TimeSpan.FromHours(2);

    /// <summary>For the connection alone.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    /// <summary>For a call to a URL that a stranger may have named, whatever <see cref="Timeout"/> is.</summary>
    public TimeSpan LookTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pushes to one peer that run at once; fewer than its connections, so that a poll finds one.</summary>
    public int MaxPushesPerPeer { get; init; } = 48;

    /// <summary>
    /// Pushes to one peer that wait for their turn; further ones fail at once. Room for a transaction with the most recipients, all at one
    /// manager.
    /// </summary>
    public int MaxWaitingPerPeer { get; init; } = 2048;

    /// <summary>
    /// So many pushes without a connection, nearly all of those within half a minute, and the next ones to that peer fail at once for a
    /// while. A slow answer is none of them.
    /// </summary>
    public int FailuresToBreak { get; init; } = 8;

    /// <summary>How long they do before one is tried again.</summary>
    public TimeSpan Break { get; init; } = TimeSpan.FromSeconds(2);
}
