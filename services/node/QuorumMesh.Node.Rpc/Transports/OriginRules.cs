namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>A list of allowed names from a comma-separated option; <c>*</c> allows all.</summary>
internal sealed class OriginRules
{
    private readonly HashSet<string> _names;

    public OriginRules(IEnumerable<string> names)
    {
        _names = names.Select(n => n.Trim().ToLowerInvariant()).Where(n => n.Length > 0).ToHashSet();
        AllowsAll = _names.Contains("*");
    }

    public bool AllowsAll { get; }

    public bool IsEmpty => _names.Count == 0;

    public bool Allows(string name) => AllowsAll || _names.Contains(name.ToLowerInvariant());
}
