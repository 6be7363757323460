using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest;

/// <summary>A method and a path that an application answers.</summary>
/// <param name="template">Segments, each literal or {name}.</param>
public sealed class RestRoute(string method, string template, RouteNote note, Func<RestCall, Task> handler)
{
    public string Method { get; } = method;

    public string Template { get; } = template;

    public RouteNote Note { get; } = note;

    internal string[] Segments { get; } = template.Split('/', StringSplitOptions.RemoveEmptyEntries);

    internal Func<RestCall, Task> Handler { get; } = handler;

    internal bool Matches(string[] segments)
    {
        if (segments.Length != Segments.Length)
            return false;
        for (var i = 0; i < segments.Length; i++)
            if (Segments[i][0] != '{' && !Segments[i].Equals(segments[i], StringComparison.Ordinal))
                return false;
        return true;
    }
}
