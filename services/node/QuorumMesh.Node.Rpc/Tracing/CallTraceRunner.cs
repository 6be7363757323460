using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Traces a simulated call on the state after a block, as eth_call sees it; unlike there the sender has what it has.</summary>
internal sealed class CallTraceRunner(NodeReader reader, CallExecutor executor, TraceLimits limits)
{
    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount - 1));

    public async ValueTask RunAsync(RpcCall call, CallArguments arguments, BlockTag tag, TraceConfig config)
    {
        await _slots.WaitAsync(call.Cancellation).ConfigureAwait(false);
        try
        {
            await reader.ReadAsync(call.Cancellation, scope =>
            {
                Run(call, scope, arguments, tag, config);
                return true;
            }).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    private void Run(RpcCall call, ReadScope scope, CallArguments arguments, BlockTag tag, TraceConfig config)
    {
        var header = scope.Header(tag) ?? throw NotFound.Block(scope.View.Rules.Profile.Trace, tag);
        var publicState = new StateOverlay(scope.View.PublicState(header.Number));
        var privateState = CallExecutor.PrivateStateFor(scope, header, arguments) is { } own ? new StateOverlay(own) : null;
        config.Overrides?.Apply(publicState, privateState);
        var prepared = executor.Prepare(scope, header, arguments, publicState, privateState);
        var trace = new TraceFactory(config, scope.View.Rules.Profile.Trace, scope.View.Rules.ForkAt(header.Number), limits.NewBudget())
            .Create(publicState, privateState, prepared.Message.Authorities);
        var (outcome, time) = limits.Watch(config.Timeout, call.Cancellation,
            stop => prepared.Run(new StoppableTracer(trace.Tracer, stop)));
        if (outcome.Invalid != TransactionInvalid.None)
            throw new RpcException($"tracing failed: {TransactionInvalidText.Of(outcome.Invalid)}");
        trace.RequireResult();
        trace.Write(call.Result, new ReplayedTransaction(outcome, prepared.Public.TakeChanges(), prepared.Private?.TakeChanges()), time);
    }
}
