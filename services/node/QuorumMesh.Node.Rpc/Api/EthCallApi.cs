using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>eth_call and eth_estimateGas; as many at once as there are processors, so that they cannot starve the node.</summary>
/// <param name="timeout">Of one call or estimate; zero for none.</param>
internal sealed class EthCallApi(INode node, NodeReader reader, CallExecutor executor, TimeSpan timeout) : IRpcApi
{
    private readonly SemaphoreSlim _slots = new(Math.Max(2, Environment.ProcessorCount));

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_call", 3, CallAsync);
        table.AddAsync("eth_estimateGas", 2, EstimateAsync);
    }

    private async ValueTask CallAsync(RpcCall call)
    {
        var (arguments, tag) = (call.Read(0, CallArguments.Read), call.Block(1));
        if (call.Has(2)) throw RpcException.InvalidArgument(2, "state overrides are not supported");
        var output = await RunAsync(call.Cancellation, (scope, stop) => scope.Header(tag) is { } header ? executor.Call(scope, header, arguments, stop) : null).ConfigureAwait(false);
        if (output is null && !RevertStyle.IsClassic(node.Profile)) throw new RpcException("header not found");
        call.Result.Data(output ?? []);
    }

    private async ValueTask EstimateAsync(RpcCall call)
    {
        var (arguments, tag) = (call.Read(0, CallArguments.Read), call.OptionalBlock(1));
        call.Result.Quantity(await EstimateAsync(arguments, tag, call.Cancellation).ConfigureAwait(false));
    }

    /// <summary>Also for transactions sent without a gas limit.</summary>
    public ValueTask<ulong> EstimateAsync(CallArguments arguments, BlockTag tag, CancellationToken cancellation) => RunAsync(cancellation, (scope, stop) =>
        executor.Estimate(scope, scope.Header(tag) ?? throw new RpcException("header not found"), arguments, stop));

    /// <summary>For private transactions sent without a gas limit.</summary>
    public ValueTask<GasRoom> EstimatePrivateAsync(CallArguments arguments, CancellationToken cancellation) => RunAsync(cancellation, (scope, stop) =>
        PrivateGas.Of(executor, scope, scope.Header(BlockTag.Latest) ?? throw new RpcException("header not found"), arguments, stop));

    /// <summary>Ends with the caller's connection, and when the time is over with geth's text.</summary>
    private async ValueTask<T> RunAsync<T>(CancellationToken cancellation, Func<ReadScope, CancellationToken, T> run)
    {
        await _slots.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (timeout > TimeSpan.Zero) stop.CancelAfter(timeout);
            return await reader.ReadAsync(cancellation, scope => run(scope, stop.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RpcException($"execution aborted (timeout = {GoDuration.Format(timeout)})");
        }
        finally
        {
            _slots.Release();
        }
    }
}
