namespace QuorumMesh.Node.Rpc.Access;

/// <summary>
/// Methods by name or wildcard: <c>eth_blockNumber</c>, <c>eth_*</c>, <c>*_version</c>, <c>*_*</c>. As in the scopes of GoQuorum's security
/// plugin a dot may stand for the underscore, and an empty part for the star (<c>eth_</c>, <c>_version</c>).
/// </summary>
public sealed class MethodPatterns
{
    private const string ScopeScheme = "rpc://";

    private readonly HashSet<(string Service, string Method)> _pairs = [];

    private MethodPatterns()
    {
    }

    /// <exception cref="FormatException">One of them is no pattern; the message names it.</exception>
    public static MethodPatterns Parse(IEnumerable<string> patterns)
    {
        var parsed = new MethodPatterns();
        foreach (var pattern in patterns)
            if (!parsed.TryAdd(pattern))
                throw new FormatException($"'{pattern}' is neither a method (eth_blockNumber) nor a pattern (eth_*, *_version)");
        return parsed;
    }

    /// <summary>Scopes for other things, or that are none, allow nothing.</summary>
    public static MethodPatterns OfScopes(IEnumerable<string> scopes)
    {
        var parsed = new MethodPatterns();
        foreach (var scope in scopes)
            if (scope.StartsWith(ScopeScheme, StringComparison.Ordinal)) parsed.TryAdd(scope[ScopeScheme.Length..]);
        return parsed;
    }

    /// <summary>A name without an underscore is no method, and is left to whoever looks it up (GoQuorum: rpc/security.go).</summary>
    public bool Allows(string method)
    {
        var cut = method.IndexOf('_');
        if (cut < 0) return true;
        var (service, name) = (method[..cut], method[(cut + 1)..]);
        return _pairs.Contains((service, name)) || _pairs.Contains((service, "*")) || _pairs.Contains(("*", name))
            || _pairs.Contains(("*", "*"));
    }

    private bool TryAdd(string text)
    {
        var cut = text.AsSpan().IndexOfAny('_', '.');
        if (cut < 0 || text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) || text.Length == 1) return false;
        _pairs.Add((Part(text[..cut]), Part(text[(cut + 1)..])));
        return true;
    }

    private static string Part(string text) => text.Length == 0 ? "*" : text;
}
