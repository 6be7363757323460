namespace QuorumMesh.Tests.Shared;

/// <summary>A test of `make test-long`.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongFactAttribute : FactAttribute
{
    public const string Switch = "QUORUMMESH_LONG";

    public LongFactAttribute()
    {
        if (Environment.GetEnvironmentVariable(Switch) is null) Skip = "minutes long: run by make test-long";
    }
}
