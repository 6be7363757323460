using System.Text.Json;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>The outer object of one request, cut out of its message without copying.</summary>
internal struct RpcEnvelope
{
    private static readonly byte[] NullId = "null"u8.ToArray();

    /// <summary>As JSON; empty when absent (a notification).</summary>
    public ReadOnlyMemory<byte> Id;

    /// <summary>As JSON; empty when absent.</summary>
    public ReadOnlyMemory<byte> Parameters;

    /// <summary>Null when absent or not a string.</summary>
    public string? MethodText;
    public RpcMethod? Method;

    /// <summary>Why this is not a request; null when it is one.</summary>
    public string? Invalid;

    /// <param name="reader">On the first token of the request; left on its last one.</param>
    /// <param name="message">What the reader's positions refer to.</param>
    public static RpcEnvelope Read(ref Utf8JsonReader reader, ReadOnlyMemory<byte> message, RpcMethodTable table)
    {
        var envelope = new RpcEnvelope();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            envelope.Invalid = "a request must be a JSON object";
            envelope.Id = NullId;
            reader.Skip();
            return envelope;
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8)) envelope.ReadId(ref reader, message);
            else if (reader.ValueTextEquals("method"u8)) envelope.ReadMethod(ref reader, table);
            else if (reader.ValueTextEquals("params"u8)) envelope.Parameters = Value(ref reader, message);
            else Value(ref reader, message);
        }
        if (envelope.MethodText is null && envelope.Method is null) envelope.Invalid ??= "a request must have a method name";
        if (envelope.Invalid is not null && envelope.Id.IsEmpty) envelope.Id = NullId;
        return envelope;
    }

    private static ReadOnlyMemory<byte> Value(ref Utf8JsonReader reader, ReadOnlyMemory<byte> message)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return message[start..(int)reader.BytesConsumed];
    }

    private void ReadId(ref Utf8JsonReader reader, ReadOnlyMemory<byte> message)
    {
        Id = Value(ref reader, message);
        if (reader.TokenType is JsonTokenType.String or JsonTokenType.Number or JsonTokenType.Null) return;
        Id = NullId;
        Invalid = "invalid request id";
    }

    private void ReadMethod(ref Utf8JsonReader reader, RpcMethodTable table)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            Invalid = "the method name must be a string";
            reader.Skip();
            return;
        }
        Method = reader.ValueIsEscaped ? table.Find(reader.GetString()!) : table.Find(reader.ValueSpan);
        if (Method is null) MethodText = reader.GetString();
    }
}
