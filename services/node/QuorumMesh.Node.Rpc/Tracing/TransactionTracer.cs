using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Traces stored transactions at their place.</summary>
internal sealed class TransactionTracer(BlockReplayer replayer, TraceLimits limits)
{
    public ValueTask TransactionAsync(RpcCall call, Func<ReadScope, ReplayTarget> find, TraceConfig config) =>
        replayer.RunAsync(call, find, null, (view, replay, target) =>
    {
        var run = Run(call, config, view, replay, target, target.First, Factory(config, view, replay));
        run.Trace.RequireResult();
        run.Trace.Write(call.Result, run.Replayed, run.Time);
    });

    /// <summary>One answer for each transaction; what only one of them fails with is its answer.</summary>
    public ValueTask BlockAsync(RpcCall call, Func<ReadScope, ReplayTarget> find, TraceConfig config) =>
        replayer.RunAsync(call, find, null, (view, replay, target) =>
    {
        var factory = Factory(config, view, replay);
        call.Result.WriteStartArray();
        for (var i = target.First; i < target.End; i++)
        {
            call.Result.WriteStartObject();
            call.Result.Value("txHash"u8, target.Block.Transactions[i].Hash);
            replay.Advance(WriteOne(call.Result, call, config, view, replay, target, i, factory));
            call.Result.WriteEndObject();
        }
        call.Result.WriteEndArray();
    });

    private ReplayedTransaction WriteOne(Utf8JsonWriter json, RpcCall call, TraceConfig config, NodeView view, BlockReplay replay,
        ReplayTarget target, int index, TraceFactory factory)
    {
        ReplayedTransaction? replayed = null;
        try
        {
            var run = Run(call, config, view, replay, target, index, factory);
            replayed = run.Replayed;
            run.Trace.RequireResult();
            json.WritePropertyName("result"u8);
            run.Trace.Write(json, replayed, run.Time);
        }
        catch (RpcException e)
        {
            json.WriteString("error"u8, e.Message);
        }
        return replayed ?? replay.Apply(BlockReplayer.Recovered(view, target.Block, index));
    }

    private (Trace Trace, ReplayedTransaction Replayed, TimeSpan Time) Run(RpcCall call, TraceConfig config, NodeView view,
        BlockReplay replay, ReplayTarget target, int index, TraceFactory factory)
    {
        var transaction = BlockReplayer.Recovered(view, target.Block, index);
        var trace = factory.Create(replay.PublicState, transaction.Tx.IsPrivate ? replay.PrivateState : null, transaction.Authorities);
        var (replayed, time) = limits.Watch(config.Timeout, call.Cancellation,
            stop => replay.Apply(transaction, new StoppableTracer(trace.Tracer, stop)));
        return (trace, replayed, time);
    }

    private TraceFactory Factory(TraceConfig config, NodeView view, BlockReplay replay) =>
        new(config, view.Rules.Profile.Trace, replay.Fork, limits.NewBudget());
}
