namespace QuorumMesh.Enclave;

/// <summary>The command line of the enclave.</summary>
/// <param name="ConfigFile">Tessera's enclave configuration (JSON).</param>
/// <param name="Listen">
/// <c>unix:/path</c>, <c>http://loopback:port</c> or <c>https://host:port</c>; null takes the config file's ENCLAVE server.
/// </param>
/// <param name="HealthUrl">The read-only listener for health and metrics; null has none but the data port's own.</param>
/// <param name="AllowedUids">Users beside our own who may connect over the Unix socket.</param>
public sealed record EnclaveOptions(
    string ConfigFile, string? Listen, string? HealthUrl, IReadOnlyList<uint> AllowedUids, bool LogJson)
{
    /// <summary>Without <c>--memory</c>, in MiB.</summary>
    public const int DefaultMemory = 256;

    /// <summary>The file's ENCLAVE server speaks Tessera's HTTP interface; ours is then at <see cref="Listen"/> alone.</summary>
    public bool ServesTessera { get; init; }

    /// <summary>For an https address.</summary>
    public EnclaveTls Tls { get; init; } = new(null, null, null);

    /// <summary>Bytes of requests and answers that all connections of the data port may hold together.</summary>
    public long ListenerBytes { get; init; } = (long)DefaultMemory << 20;
}
