namespace QuorumMesh.Node.Runtime.Health;

/// <summary>The members whose blocks count, and how many of them with one and the same other block show a node to be wrong.</summary>
/// <param name="Members">By name, this node included if it is one; empty when none are known.</param>
/// <param name="Needed">At least 1.</param>
public sealed record Electorate(IReadOnlySet<string> Members, int Needed)
{
    /// <summary>
    /// The name behind a node id (128 lower-case hex digits), which is the id itself or, where members are known by their accounts, the
    /// account of the node's key.
    /// </summary>
    public Func<string, string> NameOf { get; init; } = static nodeId => nodeId;

    /// <summary>
    /// A strict majority of all members is needed; of those that answer would be too few: two of five could part from three that are away.
    /// </summary>
    /// <param name="nodeIds">128 lower-case hex digits each.</param>
    public static Electorate Majority(IReadOnlySet<string> nodeIds) => new(nodeIds, (nodeIds.Count / 2) + 1);

    /// <summary>
    /// 2F+1 validators are needed, and never half of them or fewer: where F is 0, one would do, and a single liar would stop a node.
    /// </summary>
    /// <param name="faultTolerance">F.</param>
    public static Electorate Validators(IReadOnlySet<string> accounts, int faultTolerance, Func<string, string> accountOf) =>
        new(accounts, Math.Max((2 * faultTolerance) + 1, (accounts.Count / 2) + 1)) { NameOf = accountOf };
}
