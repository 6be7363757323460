using QuorumMesh.Listeners;

namespace QuorumMesh.TxManager.Rest;

/// <summary>What one REST listener takes.</summary>
/// <param name="MaxBody">The longest body of a request, in bytes.</param>
/// <param name="Budget">Bytes of requests and answers that all its connections may hold together.</param>
public sealed record RestLimits(long MaxBody, ByteBudget Budget)
{
    /// <summary>How long a long body waits unread until the listener has room for it.</summary>
    public TimeSpan RoomTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a short request or answer; longer ones have a second more for each MiB.</summary>
    public TimeSpan TransferTime { get; init; } = Listeners.TransferTime.Least;
}
