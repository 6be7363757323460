using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>
/// The options object of the debug_trace methods. Names are taken in any case, as Go takes them; unknown ones are ignored.
/// </summary>
internal sealed record TraceConfig
{
    /// <summary>Null is the struct logger.</summary>
    public string? Tracer { get; init; }

    public TimeSpan? Timeout { get; init; }

    public StructLogOptions StructLogs { get; init; } = new();

    public bool OnlyTopCall { get; init; }

    public bool WithLog { get; init; }

    public bool DiffMode { get; init; }

    public StateOverrides? Overrides { get; init; }

    public static TraceConfig Of(RpcCall call, int index)
    {
        if (!call.Has(index)) return new TraceConfig();
        var config = call.Read(index, Read);
        return config.Tracer is null || TraceFactory.Names.Contains(config.Tracer) ? config : throw new RpcException(
            $"the tracer '{Shorten(config.Tracer)}' is not known: use {string.Join(", ", TraceFactory.Names)}, or none for the struct "
                + "logger; tracers written in JavaScript are not supported");
    }

    private static TraceConfig Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("eth.TraceConfig").Cannot(GoJson.KindOf(reader));
        var config = new TraceConfig();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.Null) config = config.With(name, ref reader);
        }
        return config;
    }

    private TraceConfig With(string name, ref Utf8JsonReader reader)
    {
        var logs = StructLogs;
        switch (name.ToLowerInvariant())
        {
            case "tracer": return this with { Tracer = GoJson.String(ref reader, "TraceConfig.tracer") };
            case "timeout": return this with { Timeout = GoDuration.Parse(GoJson.String(ref reader, "TraceConfig.timeout")) };
            case "disablestack": return this with { StructLogs = logs with { Stack = !Flag(ref reader, name) } };
            case "disablememory": return this with { StructLogs = logs with { Memory = !Flag(ref reader, name) } };
            case "enablememory": return this with { StructLogs = logs with { Memory = Flag(ref reader, name) } };
            case "disablestorage": return this with { StructLogs = logs with { Storage = !Flag(ref reader, name) } };
            case "enablereturndata": return this with { StructLogs = logs with { ReturnData = Flag(ref reader, name) } };
            case "disablereturndata": return this with { StructLogs = logs with { ReturnData = !Flag(ref reader, name) } };
            case "limit":
                return this with
                {
                    StructLogs = logs
                with
                    { Limit = (int)GoJson.Number(ref reader, int.MaxValue, "int", "TraceConfig.limit") }
                };
            case "reexec":
                // Accepted and of no use: the state is at hand, or it is not.
                GoJson.Number(ref reader, ulong.MaxValue, "uint64", "TraceConfig.reexec");
                return this;
            case "tracerconfig": return WithTracerConfig(ref reader);
            case "stateoverrides": return this with { Overrides = StateOverrides.Read(ref reader) };
            case "blockoverrides": throw new FormatException("blockOverrides are not supported");
            default:
                reader.Skip();
                return this;
        }
    }

    private TraceConfig WithTracerConfig(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new GoTarget("TraceConfig.tracerConfig", "object").Cannot(GoJson.KindOf(reader));
        var config = this;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            // Go leaves a field alone that is null.
            if (reader.TokenType == JsonTokenType.Null) continue;
            switch (name.ToLowerInvariant())
            {
                case "onlytopcall": config = config with { OnlyTopCall = Flag(ref reader, name) }; break;
                case "withlog": config = config with { WithLog = Flag(ref reader, name) }; break;
                case "diffmode": config = config with { DiffMode = Flag(ref reader, name) }; break;
                default: reader.Skip(); break;
            }
        }
        return config;
    }

    private static bool Flag(ref Utf8JsonReader reader, string name) => GoJson.Bool(ref reader, "TraceConfig." + name);

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
