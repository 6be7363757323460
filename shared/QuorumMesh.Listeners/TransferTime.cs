namespace QuorumMesh.Listeners;

/// <summary>How long a message may be under way between a listener and its client, however many bytes trickle meanwhile.</summary>
public static class TransferTime
{
    /// <summary>For a message of any length; geth's read and write timeout (node/defaults.go).</summary>
    public static readonly TimeSpan Least = TimeSpan.FromSeconds(30);

    private const double BytesPerSecond = 1024 * 1024;

    /// <summary>30 s, and a second for each MiB.</summary>
    public static TimeSpan For(long bytes) => For(bytes, Least);

    /// <param name="least">Instead of the 30 s.</param>
    public static TimeSpan For(long bytes, TimeSpan least) => least + TimeSpan.FromSeconds(Math.Max(0, bytes) / BytesPerSecond);
}
