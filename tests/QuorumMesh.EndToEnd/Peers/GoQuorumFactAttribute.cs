namespace QuorumMesh.EndToEnd.Peers;

/// <summary>A test of `make test-peers`, against the geth of a GoQuorum that stands outside of this repository.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GoQuorumFactAttribute : FactAttribute
{
    public GoQuorumFactAttribute() => Skip = GoQuorum.Missing;
}

/// <inheritdoc cref="GoQuorumFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GoQuorumTheoryAttribute : TheoryAttribute
{
    public GoQuorumTheoryAttribute() => Skip = GoQuorum.Missing;
}
