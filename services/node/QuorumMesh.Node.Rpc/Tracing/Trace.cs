using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>One run to be watched, and how what was seen is answered.</summary>
internal abstract class Trace
{
    /// <summary>Null when nothing needs to be watched.</summary>
    public abstract IEvmTracer? Tracer { get; }

    /// <summary>To be called before <see cref="Write"/>.</summary>
    /// <exception cref="RpcException">There is nothing to show.</exception>
    public virtual void RequireResult()
    {
    }

    public abstract void Write(Utf8JsonWriter json, ReplayedTransaction replayed, TimeSpan time);
}

internal sealed class StructTrace(StructTracer tracer, TraceErrors words) : Trace
{
    public override IEvmTracer Tracer => tracer;

    public override void Write(Utf8JsonWriter json, ReplayedTransaction replayed, TimeSpan time) =>
        StructLogJson.Write(json, tracer.Logs, words, replayed);
}

internal sealed class CallTrace(CallTracer tracer) : Trace
{
    public override IEvmTracer Tracer => tracer;

    public override void RequireResult()
    {
        if (tracer.Top is null) throw new RpcException("there is no call to show: this node is not a party to the private transaction");
    }

    public override void Write(Utf8JsonWriter json, ReplayedTransaction replayed, TimeSpan time) =>
        CallFrameJson.Write(json, tracer.Top!, GoDuration.Format(time));
}

internal sealed class PrestateTrace(PrestateTracer tracer, bool isDifference) : Trace
{
    public override IEvmTracer Tracer => tracer;

    public override void Write(Utf8JsonWriter json, ReplayedTransaction replayed, TimeSpan time)
    {
        if (isDifference) PrestateJson.WriteDifference(json, tracer.Difference(replayed));
        else PrestateJson.Write(json, tracer.Before());
    }
}

internal sealed class FourByteTrace(FourByteTracer tracer) : Trace
{
    public override IEvmTracer Tracer => tracer;

    public override void Write(Utf8JsonWriter json, ReplayedTransaction replayed, TimeSpan time)
    {
        json.WriteStartObject();
        foreach (var (selector, arguments, count) in tracer.Counts) json.WriteNumber($"0x{selector:x8}-{arguments}", count);
        json.WriteEndObject();
    }
}

internal sealed class NoTrace : Trace
{
    public override IEvmTracer? Tracer => null;

    public override void Write(Utf8JsonWriter json, ReplayedTransaction replayed, TimeSpan time)
    {
        json.WriteStartObject();
        json.WriteEndObject();
    }
}
