using System.Globalization;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Listeners;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Rest;

/// <summary>A JSON object from a caller. Unknown members are ignored; a member of the wrong kind is refused by name.</summary>
public readonly struct JsonBody : IDisposable
{
    private readonly JsonDocument _document;
    private readonly JsonElement _root;

    private JsonBody(JsonDocument document) => (_document, _root) = (document, document.RootElement);

    /// <summary>Throws <see cref="Failure.BadRequest"/> on anything but a JSON object of at most 16 levels.</summary>
    public static JsonBody Parse(ReadOnlyMemory<byte> utf8)
    {
        if (JsonText.Refuse(utf8.Span) is { } noText)
            throw new PrivacyException(Failure.BadRequest, $"The body is not JSON: {noText}");
        try
        {
            // Not cloned: it reads from the body itself, of which a long payload is nearly all.
            var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 16 });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new JsonBody(document);
            document.Dispose();
            throw new PrivacyException(Failure.BadRequest, "The body must be a JSON object");
        }
        catch (JsonException e)
        {
            throw new PrivacyException(Failure.BadRequest, $"The body is not JSON: {e.Message}", e);
        }
    }

    /// <summary>Gives the parser's tables back; nothing can be read from it then.</summary>
    public void Dispose() => _document?.Dispose();

    /// <summary>Null when absent.</summary>
    public string? Text(string member)
    {
        if (!TryGet(member, out var value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(member, "a string");
    }

    /// <summary>A required member in base64 with at least one byte.</summary>
    public byte[] RequiredBytes(string member)
    {
        if (!TryGet(member, out var value))
            throw Empty(member);
        if (value.ValueKind != JsonValueKind.String)
            throw Wrong(member, "a string");
        // Without a string between: of a long payload that would be twice its length.
        if (!value.TryGetBytesFromBase64(out var bytes))
            throw Base64Text.Refused(member);
        return bytes.Length > 0 ? bytes : throw Empty(member);
    }

    /// <summary>A required array of base64; it may be empty.</summary>
    public IReadOnlyList<byte[]> RequiredByteArrays(string member)
    {
        if (!TryGet(member, out var value))
            throw new PrivacyException(Failure.BadRequest, $"{member}: is required");
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(member, "an array of strings");
        return [.. value.EnumerateArray().Select(item => item.ValueKind != JsonValueKind.String ? throw Wrong(member, "an array of strings")
            : item.TryGetBytesFromBase64(out var bytes) ? bytes : throw Base64Text.Refused(member))];
    }

    /// <summary>A key in base64; null when absent or empty.</summary>
    public PublicKey? Key(string member) => Text(member) is { Length: > 0 } text ? Base64Text.Key(member, text) : null;

    /// <summary>As <see cref="Key"/>; absent is refused.</summary>
    public PublicKey RequiredKey(string member) =>
        Key(member) ?? throw new PrivacyException(Failure.BadRequest, $"{member}: is required");

    /// <summary>Keys in an array; empty when the member is absent or null.</summary>
    public IReadOnlyList<PublicKey> Keys(string member) => [.. Array(member).Select(t => Base64Text.Key(member, t))];

    /// <summary>Strings in an array, or one on its own, as Tessera reads it; empty when the member is absent or null.</summary>
    public IReadOnlyList<string> Array(string member)
    {
        if (!TryGet(member, out var value))
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(member, "an array of strings");
        var texts = new List<string>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
            texts.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong(member, "an array of strings"));

        return texts;
    }

    /// <summary>A whole number of 32 bits, also as text, or <paramref name="otherwise"/> when absent.</summary>
    public int Number(string member, int otherwise)
    {
        if (!TryGet(member, out var value))
            return otherwise;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number))
            return number;
        return value.ValueKind == JsonValueKind.String
            && int.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)
            ? number
            : throw Wrong(member, "a whole number");
    }

    private static PrivacyException Empty(string member) =>
        new(Failure.BadRequest, $"{member}: is required and must not be empty");

    private static PrivacyException Wrong(string member, string expected) => new(Failure.BadRequest, $"{member}: must be {expected}");

    private bool TryGet(string member, out JsonElement value) =>
        _root.TryGetProperty(member, out value) && value.ValueKind != JsonValueKind.Null;
}
