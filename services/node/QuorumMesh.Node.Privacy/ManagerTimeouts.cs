namespace QuorumMesh.Node.Privacy;

/// <summary>How long a manager may take.</summary>
/// <param name="Dial">To connect.</param>
/// <param name="Receive">To answer for payloads, and every other quick question.</param>
/// <param name="Send">To distribute: it answers only when the slowest recipient has stored the payload.</param>
public sealed record ManagerTimeouts(TimeSpan Dial, TimeSpan Receive, TimeSpan Send)
{
    /// <summary>GoQuorum's own defaults for dialling and asking; sending may take longer.</summary>
    public static ManagerTimeouts Default { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));
}
