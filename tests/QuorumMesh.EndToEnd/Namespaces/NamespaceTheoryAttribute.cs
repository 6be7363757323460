namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>A test of `make test-namespaces`, which gives it network namespaces.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NamespaceTheoryAttribute : TheoryAttribute
{
    /// <summary>Minutes of faults, of all shapes together.</summary>
    public const string Switch = "QUORUMMESH_NAMESPACE_MINUTES";

    public NamespaceTheoryAttribute()
    {
        if (Environment.GetEnvironmentVariable(Switch) is null) Skip = "needs network namespaces: run by make test-namespaces, as root";
    }
}
