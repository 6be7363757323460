using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Takes members out of a JSON document that lies in locked memory.</summary>
internal static class SecretJson
{
    private static readonly JsonDocumentOptions Options = new()
    {
        MaxDepth = 32,
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true
    };

    /// <summary>The document reads the buffer in place, so the buffer must outlive it.</summary>
    public static JsonDocument Parse(string key, SecretBuffer text)
    {
        if (!Utf8.IsValid(text.Span))
            throw new KeyException(key, "is not UTF-8: is the file damaged?");
        try
        {
            return JsonDocument.Parse(text.Memory, Options);
        }
        catch (JsonException e)
        {
            // Place alone: the text of the exception can quote the document, and that holds keys.
            throw new KeyException(key, $"is not JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine})");
        }
    }

    /// <summary>A string member's text; null when absent or null.</summary>
    public static string? Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    /// <summary>A base64 member, never as a string.</summary>
    public static SecretBuffer Base64(string key, JsonElement element, string name)
    {
        var value = Member(element, name);
        if (value is not { ValueKind: JsonValueKind.String } text)
            throw new KeyException($"{key}.{name}", "base64 text is required");
        try
        {
            return DecodeString(text);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new KeyException($"{key}.{name}", "is not base64");
        }
    }

    /// <summary>A text member's bytes, never as a string.</summary>
    public static SecretBuffer TextBytes(string key, JsonElement element, string name)
    {
        if (Member(element, name) is not { ValueKind: JsonValueKind.String } text)
            throw new KeyException($"{key}.{name}", "text is required");
        var raw = JsonMarshal.GetRawUtf8Value(text);
        var reader = new Utf8JsonReader(raw);
        reader.Read();
        using var unescaped = new SecretBuffer(raw.Length);
        return SecretBuffer.CopyOf(unescaped.Span[..reader.CopyString(unescaped.Span)]);
    }

    public static int Integer(string key, JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number)
            ? number
            : throw new KeyException($"{key}.{name}", "a whole number is required");

    private static SecretBuffer DecodeString(JsonElement text)
    {
        // Unescapes (\/ and \u002B are common in base64) from locked memory into locked memory.
        var raw = JsonMarshal.GetRawUtf8Value(text);
        var reader = new Utf8JsonReader(raw);
        reader.Read();
        using var unescaped = new SecretBuffer(raw.Length);
        var length = reader.CopyString(unescaped.Span);
        return SecretText.DecodeBase64(unescaped.Span[..length]);
    }
}
