namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>An answer of kind "error"; code, message and data go to the caller as they are.</summary>
public class RpcException(int code, string message, string? data = null) : Exception(message)
{
    public RpcException(string message)
        : this(RpcErrorCode.Server, message)
    {
    }

    public int Code => code;

    /// <summary>The member <c>data</c>, a JSON string; null leaves it out.</summary>
    public string? ErrorData => data;

    public static RpcException InvalidArgument(int index, string why) =>
        new(RpcErrorCode.InvalidParams, $"invalid argument {index}: {why}");

    public static RpcException MissingArgument(int index) =>
        new(RpcErrorCode.InvalidParams, $"missing value for required argument {index}");

    public static RpcException UnknownMethod(string method) =>
        new(RpcErrorCode.MethodNotFound, $"The method {method} does not exist/is not available");
}

/// <summary>The caller may not make this call; see <see cref="CallRefusal"/>.</summary>
public sealed class CallRefusedException(CallRefusal refusal, string message)
    : RpcException(refusal == CallRefusal.TooMany ? RpcErrorCode.LimitExceeded : RpcErrorCode.Security, message)
{
    public CallRefusal Refusal => refusal;
}
