namespace QuorumMesh.EndToEnd.Namespaces;

internal enum FaultKind { Partition, OneWay, Refused, Slow, Lossy, NodesKilled, ManagerKilled }

/// <summary>Something that goes wrong for a while.</summary>
/// <param name="What">For people.</param>
/// <param name="BeginAsync">Makes it so.</param>
/// <param name="End">Puts it right, and waits for nothing: what was killed has been started again then.</param>
internal sealed record Fault(FaultKind Kind, string What, Func<Task> BeginAsync, Action End);
