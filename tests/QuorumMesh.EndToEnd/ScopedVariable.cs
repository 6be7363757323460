namespace QuorumMesh.EndToEnd;

/// <summary>An environment variable that services started meanwhile see.</summary>
internal sealed class ScopedVariable : IDisposable
{
    private readonly string _name;
    private readonly string? _before;

    public ScopedVariable(string name, string value)
    {
        (_name, _before) = (name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose() => Environment.SetEnvironmentVariable(_name, _before);
}
