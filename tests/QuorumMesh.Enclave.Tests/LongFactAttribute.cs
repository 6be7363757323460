namespace QuorumMesh.Enclave.Tests;

/// <summary>A test that runs only with QUORUMMESH_LONG=1.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongFactAttribute : FactAttribute
{
    public LongFactAttribute() =>
        Skip = Environment.GetEnvironmentVariable("QUORUMMESH_LONG") is "1" ? null : "A long test: set QUORUMMESH_LONG=1.";
}
