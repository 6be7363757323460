using QuorumMesh.Node.Rpc.Access;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>What a caller's connection may do.</summary>
/// <param name="Namespaces">Open namespaces; null for all. <c>rpc</c> is always open.</param>
/// <param name="Notifications">Where subscriptions send to; null where the transport has no way back (HTTP).</param>
public sealed record RpcSession(IReadOnlySet<string>? Namespaces, INotificationSink? Notifications)
{
    /// <summary>What the client says of itself (the User-Agent header); null where it says nothing.</summary>
    public string? UserAgent { get; init; }

    /// <summary>Methods that are open here, of those in open namespaces; null for all.</summary>
    public MethodPatterns? Methods { get; init; }

    /// <summary>Null where nobody is asked: IPC, and calls inside the process.</summary>
    public RpcCaller? Caller { get; init; }

    /// <summary>Null for no limit.</summary>
    public CallRates? Rates { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public bool HasNamespace(string name) => Namespaces is null || name == "rpc" || Namespaces.Contains(name);

    public bool IsOpen(RpcMethod method) => HasNamespace(method.Namespace) && (Methods is null || Methods.Allows(method.Name));

    /// <returns>Null when this caller may call that now, whether or not it exists.</returns>
    public RpcException? Refuse(string method) =>
        Caller is not { } caller ? null : Rates?.Refuse(caller.Id) ?? caller.Refuse(method, Clock.GetUtcNow());
}
