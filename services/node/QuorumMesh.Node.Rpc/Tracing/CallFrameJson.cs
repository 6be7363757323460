using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>callTracer's answer, members in geth's order.</summary>
internal static class CallFrameJson
{
    /// <param name="time">How long the run took; only of the top call.</param>
    public static void Write(Utf8JsonWriter json, CallFrame frame, string? time)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, frame.Type.ToString());
        if (frame.From is { } from) json.Value("from"u8, from);
        if (frame.To is { } to) json.Value("to"u8, to);
        if (frame.Value is { } value) json.Quantity("value"u8, value);
        if (frame.Gas is { } gas) json.Quantity("gas"u8, gas);
        if (frame.GasUsed is { } used) json.Quantity("gasUsed"u8, used);
        if (frame.Input is { } input) json.Data("input"u8, input);
        if (frame.Output is { } output) json.Data("output"u8, output);
        if (frame.Error is { } error) json.WriteString("error"u8, error);
        if (time is not null) json.WriteString("time"u8, time);
        if (frame.Calls.Count > 0)
        {
            json.WriteStartArray("calls"u8);
            foreach (var call in frame.Calls) Write(json, call, null);
            json.WriteEndArray();
        }
        if (frame.Logs.Count > 0) WriteLogs(json, frame.Logs);
        json.WriteEndObject();
    }

    private static void WriteLogs(Utf8JsonWriter json, List<CallLog> logs)
    {
        json.WriteStartArray("logs"u8);
        foreach (var log in logs)
        {
            json.WriteStartObject();
            json.Value("address"u8, log.Address);
            json.WriteStartArray("topics"u8);
            foreach (var topic in log.Topics) json.Value(topic);
            json.WriteEndArray();
            json.Data("data"u8, log.Data);
            json.Quantity("position"u8, (ulong)log.Position);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
