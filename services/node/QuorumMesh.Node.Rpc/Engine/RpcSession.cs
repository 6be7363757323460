namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>What a caller's connection may do.</summary>
/// <param name="Namespaces">Open namespaces; null for all. <c>rpc</c> is always open.</param>
/// <param name="Notifications">Where subscriptions send to; null where the transport has no way back (HTTP).</param>
public sealed record RpcSession(IReadOnlySet<string>? Namespaces, INotificationSink? Notifications)
{
    /// <summary>What the client says of itself (the User-Agent header); null where it says nothing.</summary>
    public string? UserAgent { get; init; }

    public bool IsOpen(string @namespace) => Namespaces is null || @namespace == "rpc" || Namespaces.Contains(@namespace);
}
