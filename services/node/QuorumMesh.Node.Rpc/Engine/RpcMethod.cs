namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>
/// Reads its arguments first, in order, so that errors come as geth's; then writes exactly one JSON value to the call's result.
/// </summary>
public delegate ValueTask RpcHandler(RpcCall call);

/// <param name="MaxArguments">More are an error, except that a method without arguments ignores them (as geth does).</param>
public sealed record RpcMethod(string Name, int MaxArguments, RpcHandler Handler)
{
    public string Namespace { get; } = Name[..Name.IndexOf('_')];
}
