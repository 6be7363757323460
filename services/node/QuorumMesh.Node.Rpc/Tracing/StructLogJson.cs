using System.Collections.Immutable;
using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>geth's ExecutionResult: words of 64 digits without 0x.</summary>
internal static class StructLogJson
{
    private const int WordSize = 32;

    public static void Write(Utf8JsonWriter json, IReadOnlyList<StructLog> logs, TraceErrors words, ReplayedTransaction replayed)
    {
        json.WriteStartObject();
        json.WriteNumber("gas"u8, replayed.Outcome.GasUsed);
        json.WriteBoolean("failed"u8, !replayed.IsSuccess);
        json.WriteString("returnValue"u8, Hex.ToHex(replayed.Output, prefix: false));
        json.WriteStartArray("structLogs"u8);
        foreach (var log in logs) WriteLog(json, log, words);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteLog(Utf8JsonWriter json, StructLog log, TraceErrors words)
    {
        json.WriteStartObject();
        json.WriteNumber("pc"u8, log.Pc);
        json.WriteString("op"u8, words.OpcodeName(log.Opcode));
        json.WriteNumber("gas"u8, log.Gas);
        json.WriteNumber("gasCost"u8, log.Cost);
        json.WriteNumber("depth"u8, log.Depth);
        if (log.Error is { } error) json.WriteString("error"u8, error);
        if (log.Stack is { } stack) WriteStack(json, stack);
        if (log.Memory is { } memory) WriteMemory(json, memory);
        if (log.ReturnData is { } data) json.Data("returnData"u8, data);
        if (log.Storage is { } storage) WriteStorage(json, storage);
        json.WriteEndObject();
    }

    private static void WriteStorage(Utf8JsonWriter json, ImmutableSortedDictionary<UInt256, UInt256> storage)
    {
        Span<byte> word = stackalloc byte[WordSize];
        Span<char> digits = stackalloc char[WordSize * 2];
        json.WriteStartObject("storage"u8);
        foreach (var (slot, value) in storage)
        {
            slot.WriteBigEndian(word);
            Convert.TryToHexStringLower(word, digits, out _);
            json.WritePropertyName(digits);
            WriteWord(json, value);
        }
        json.WriteEndObject();
    }

    private static void WriteStack(Utf8JsonWriter json, UInt256[] stack)
    {
        json.WriteStartArray("stack"u8);
        foreach (var word in stack) WriteWord(json, word);
        json.WriteEndArray();
    }

    private static void WriteMemory(Utf8JsonWriter json, byte[] memory)
    {
        json.WriteStartArray("memory"u8);
        for (var i = 0; i < memory.Length; i += WordSize) WriteWord(json, memory.AsSpan(i, WordSize));
        json.WriteEndArray();
    }

    private static void WriteWord(Utf8JsonWriter json, in UInt256 value)
    {
        Span<byte> word = stackalloc byte[WordSize];
        value.WriteBigEndian(word);
        WriteWord(json, word);
    }

    private static void WriteWord(Utf8JsonWriter json, ReadOnlySpan<byte> word)
    {
        Span<byte> digits = stackalloc byte[WordSize * 2];
        Convert.TryToHexStringLower(word, digits, out _);
        json.WriteStringValue(digits);
    }
}
