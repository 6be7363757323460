using QuorumMesh.Evm;
using QuorumMesh.State;

namespace QuorumMesh.Fuzz;

/// <summary>All that can be seen of a run from outside.</summary>
internal sealed record FuzzOutcome
{
    public EvmResult Result { get; init; }

    public string? Thrown { get; init; }

    public ulong Refund { get; init; }

    public IReadOnlyList<LogEntry> Logs { get; init; } = [];

    public StateChangeSet Public { get; init; } = new();

    /// <summary>The public one again where there is one state.</summary>
    public StateChangeSet Private { get; init; } = new();
}
