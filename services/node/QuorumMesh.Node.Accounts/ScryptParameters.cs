namespace QuorumMesh.Node.Accounts;

/// <summary>Cost of stretching a password for a new key file; memory is 128·n·r bytes.</summary>
public sealed record ScryptParameters(int N, int R, int P)
{
    /// <summary>geth's standard: 256 MiB, about a second.</summary>
    public static ScryptParameters Standard { get; } = new(262144, 8, 1);

    /// <summary>geth's light: 4 MiB, about 100 ms.</summary>
    public static ScryptParameters Light { get; } = new(4096, 8, 6);
}
