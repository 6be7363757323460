namespace QuorumMesh.Outbound;

/// <summary>How long and how wide the connections to one kind of server may be. Every kind that the services call stands here.</summary>
public sealed record OutboundLimits
{
    /// <summary>.NET's own, which is HTTP/2's: RFC 9113, section 6.9.2.</summary>
    private const int SmallestWindow = 65_535;

    /// <summary>Until a connection stands; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</summary>
    public required TimeSpan Connect { get; init; }

    /// <summary>Connections to one server; HTTP/2 takes more than one only when a connection's streams are all in use.</summary>
    public int MaxConnections { get; init; } = int.MaxValue;

    /// <summary>How long a connection that nobody uses is kept.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long any connection is kept: after it the name is looked up again.</summary>
    public TimeSpan Lifetime { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>Bytes of a stream that may be on their way before the reader has taken them.</summary>
    public int StreamWindow { get; init; } = SmallestWindow;

    /// <summary>A manager's enclave: on the same machine, and asked for payloads of many MiB.</summary>
    public static OutboundLimits Enclave { get; } = new() { Connect = TimeSpan.FromSeconds(2), StreamWindow = 1024 * 1024 };

    /// <summary>A node's manager. The dial timeout is a setting.</summary>
    public static OutboundLimits Manager { get; } = new() { Connect = TimeSpan.FromSeconds(1), Idle = TimeSpan.FromSeconds(30) };

    /// <summary>Other managers, by HTTP/1.1: one call at a time on each connection. The connect timeout is a setting.</summary>
    public static OutboundLimits Peers { get; } =
        new() { Connect = TimeSpan.FromMilliseconds(3750), MaxConnections = 64, Lifetime = TimeSpan.FromMinutes(2) };

    /// <summary>Other Raft members, whose streams stay open. The connect timeout is a setting.</summary>
    public static OutboundLimits Raft { get; } = new() { Connect = TimeSpan.FromSeconds(1) };

    /// <summary>The enclave's vault. Connections end soon, so that a certificate or address that changed is seen.</summary>
    public static OutboundLimits Vault { get; } =
        new() { Connect = TimeSpan.FromSeconds(5), MaxConnections = 4, Lifetime = TimeSpan.FromMinutes(2) };

    /// <summary>Where a client of JSON-RPC wants an answer to go.</summary>
    public static OutboundLimits Callback { get; } = new() { Connect = TimeSpan.FromSeconds(5), MaxConnections = 16 };

    /// <summary>Another manager, once, for an operator who waits.</summary>
    public static OutboundLimits Fetch { get; } = new() { Connect = TimeSpan.FromSeconds(60) };

    /// <summary>Services of this machine, for the command line.</summary>
    public static OutboundLimits Local { get; } = new() { Connect = TimeSpan.FromSeconds(5) };
}
