using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>Who calls, as far as the listener asked.</summary>
/// <param name="Id">Tells callers apart for rate limits: by token, certificate or address.</param>
public sealed record RpcCaller(string Id)
{
    /// <summary>What the token allows; null where none is asked for.</summary>
    public MethodPatterns? Scopes { get; init; }

    /// <summary>When the token ends; on a connection that stays open it is asked for each call, as by GoQuorum (rpc/security.go).</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <returns>Null when the call may be made.</returns>
    public CallRefusedException? Refuse(string method, DateTimeOffset now)
    {
        if (Expires <= now) return new CallRefusedException(CallRefusal.Expired, "token expired");
        return Scopes is null || Scopes.Allows(method) ? null
            : new CallRefusedException(CallRefusal.Denied, $"{method} - access denied");
    }
}
