namespace QuorumMesh.Node.Tests;

/// <summary>Tests that set environment variables of the process run one after another.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EnvironmentCollection
{
    public const string Name = "environment";
}

/// <summary>A variable for as long as a test needs it.</summary>
internal sealed class ScopedVariable : IDisposable
{
    private readonly string _name;
    private readonly string? _before;

    public ScopedVariable(string name, string? value)
    {
        (_name, _before) = (name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose() => Environment.SetEnvironmentVariable(_name, _before);
}
