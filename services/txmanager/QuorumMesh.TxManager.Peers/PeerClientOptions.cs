namespace QuorumMesh.TxManager.Peers;

public sealed record PeerClientOptions
{
    /// <summary>For a whole request. Tessera's default: three quarters of the party info interval.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromMilliseconds(3750);

    public int MaxConnectionsPerPeer { get; init; } = 64;
}
