using System.Diagnostics;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>
/// A span for each method that runs, below the span of its HTTP request: a batch has several. The method's name is all that it
/// says.
/// </summary>
internal static class RpcTraces
{
    private static readonly ActivitySource Source = new("QuorumMesh.Node.Rpc");

    /// <summary>Null when nobody listens.</summary>
    public static Activity? Start(RpcMethod method) => Source.HasListeners() ? Source.StartActivity(method.Name) : null;
}
