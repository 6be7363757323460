using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// eth_call, eth_estimateGas and eth_createAccessList; as many at once as there are processors, so that they cannot starve the
/// node.
/// </summary>
/// <param name="timeout">Of one call or estimate; zero for none.</param>
internal sealed class EthCallApi(INode node, NodeReader reader, CallExecutor executor, TimeSpan timeout) : IRpcApi
{
    private readonly SemaphoreSlim _slots = new(Math.Max(2, Environment.ProcessorCount));

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_call", 3, CallAsync);
        table.AddAsync("eth_estimateGas", 3, EstimateAsync);
        table.AddAsync("eth_createAccessList", 3, AccessListAsync);
    }

    private async ValueTask CallAsync(RpcCall call)
    {
        var (arguments, tag) = (call.Read(0, CallArguments.Read), call.Block(1));
        arguments = WithOverrides(call, arguments);
        var output = await RunAsync(call.Cancellation,
            (scope, stop) => scope.Header(tag) is { } header ? executor.Call(scope, header, arguments, stop) : null).ConfigureAwait(false);
        if (output is null && !node.Profile.Rpc.AnswersForUnknownBlocks) throw new RpcException("header not found");
        call.Result.Data(output ?? []);
    }

    private async ValueTask EstimateAsync(RpcCall call)
    {
        var (arguments, tag) = (call.Read(0, CallArguments.Read), call.OptionalBlock(1));
        arguments = WithOverrides(call, arguments);
        call.Result.Quantity(await EstimateAsync(arguments, tag, call.Cancellation).ConfigureAwait(false));
    }

    private async ValueTask AccessListAsync(RpcCall call)
    {
        var (arguments, tag) = (call.Read(0, CallArguments.Read), call.OptionalBlock(1));
        arguments = WithOverrides(call, arguments);
        var (list, gasUsed, error) = await RunAsync(call.Cancellation, (scope, stop) =>
            executor.AccessList(scope, scope.Header(tag) ?? throw new RpcException("header not found"), arguments, stop))
            .ConfigureAwait(false);
        call.Result.WriteStartObject();
        AccessListJson.WriteList(call.Result, list);
        if (error is not null) call.Result.WriteString("error"u8, error);
        call.Result.Quantity("gasUsed"u8, gasUsed);
        call.Result.WriteEndObject();
    }

    private static CallArguments WithOverrides(RpcCall call, CallArguments arguments) =>
        call.Has(2) ? arguments with { Overrides = call.Read(2, StateOverrides.Read) } : arguments;

    /// <summary>Also for transactions sent without a gas limit.</summary>
    public ValueTask<ulong> EstimateAsync(CallArguments arguments, BlockTag tag, CancellationToken cancellation) =>
        RunAsync(cancellation, (scope, stop) =>
        executor.Estimate(scope, scope.Header(tag) ?? throw new RpcException("header not found"), arguments, stop));

    /// <summary>For private transactions sent without a gas limit.</summary>
    public ValueTask<GasRoom> EstimatePrivateAsync(CallArguments arguments, CancellationToken cancellation) =>
        RunAsync(cancellation, (scope, stop) =>
        PrivateGas.Of(executor, scope, scope.Header(BlockTag.Latest) ?? throw new RpcException("header not found"), arguments, stop));

    /// <summary>Ends with the caller's connection, and when the time is over with geth's text.</summary>
    public async ValueTask<T> RunAsync<T>(CancellationToken cancellation, Func<ReadScope, CancellationToken, T> run)
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
