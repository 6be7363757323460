using QuorumMesh.Chain;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>
/// Reads its arguments first, in order, so that errors come as geth's; then writes exactly one JSON value to the call's result.
/// </summary>
public delegate ValueTask RpcHandler(RpcCall call);

/// <summary>What a method that takes transactions does with several of its calls that stand next to each other in a batch.</summary>
/// <param name="Read">
/// The transaction of one call. Throws what the method's <see cref="RpcHandler"/> throws for arguments that are none.
/// </param>
/// <param name="SubmitAsync">
/// Submits them together, in their order. Gives why each is refused, and null for one that is taken, whose hash is the call's result.
/// </param>
public sealed record RpcTogether(
    Func<RpcCall, Transaction> Read,
    Func<IReadOnlyList<Transaction>, RpcSession, CancellationToken, Task<IReadOnlyList<Exception?>>> SubmitAsync);

/// <param name="MaxArguments">More are an error, except that a method without arguments ignores them (as geth does).</param>
public sealed record RpcMethod(string Name, int MaxArguments, RpcHandler Handler)
{
    /// <summary>Null for a method whose calls run one by one.</summary>
    public RpcTogether? Together { get; init; }

    public string Namespace { get; } = Name[..Name.IndexOf('_')];
}
