namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>JSON-RPC 2.0's codes and those that geth adds.</summary>
public static class RpcErrorCode
{
    public const int Parse = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int Internal = -32603;

    /// <summary>The method itself failed; the message is its text.</summary>
    public const int Server = -32000;

    /// <summary>No token, a bad one, or one that does not allow the call (GoQuorum: rpc/security.go).</summary>
    public const int Security = -32001;

    /// <summary>What is left of a batch would make its answer too large.</summary>
    public const int ResponseTooLarge = -32003;

    /// <summary>The node's own bounds stand against it now; the same call may pass later (EIP-1474).</summary>
    public const int LimitExceeded = -32005;

    /// <summary>Execution reverted, with the revert data (not in the 2.5 profile).</summary>
    public const int Reverted = 3;
}
