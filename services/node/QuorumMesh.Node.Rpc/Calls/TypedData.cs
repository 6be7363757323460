using System.Buffers;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// What eth_signTypedData_v4 signs: the hash of EIP-712 data with its domain, arrays and nested structs (structs that are null or
/// absent hash to zero). As in geth every value must be declared in the types: nothing is signed that the signature does not
/// cover.
/// </summary>
internal sealed class TypedData
{
    private const int MaxDepth = 64;
    private const int WordSize = 32;

    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private readonly TypedDataTypes _types;

    private TypedData(TypedDataTypes types) => _types = types;

    /// <param name="reader">On the object, or on a string that holds it, as wallets send it.</param>
    /// <exception cref="FormatException">What is wrong with the data.</exception>
    public static Hash256 Digest(ref Utf8JsonReader reader)
    {
        try
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                using var text = JsonDocument.Parse(reader.GetString()!, _strict);
                return Digest(text.RootElement);
            }
            using var document = JsonDocument.Parse(Copy(ref reader), _strict);
            return Digest(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new FormatException($"the typed data is no JSON: {e.Message}", e);
        }
    }

    private static byte[] Copy(ref Utf8JsonReader reader)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        return System.Text.Encoding.UTF8.GetBytes(value.RootElement.GetRawText());
    }

    private static Hash256 Digest(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw new FormatException("the typed data must be an object");
        var types = new TypedDataTypes(Member(root, "types"));
        if (!types.IsStruct(TypedDataTypes.Domain))
            throw new FormatException($"types.{TypedDataTypes.Domain} is missing: it says which fields the domain has");
        if (Member(root, "primaryType") is not { ValueKind: JsonValueKind.String } name)
            throw new FormatException("primaryType must be a string");
        var primary = name.GetString()!;
        var data = new TypedData(types);
        var domain = data.HashStruct(TypedDataTypes.Domain, Member(root, "domain"), "domain");
        byte[] prefixed = [0x19, 0x01, .. domain.ToArray()];
        if (primary == TypedDataTypes.Domain) return Keccak.Hash(prefixed);
        return Keccak.Hash([.. prefixed, .. data.HashStruct(primary, Member(root, "message"), "message").ToArray()]);
    }

    private static JsonElement Member(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) ? value : throw new FormatException($"{name} is missing");

    /// <param name="path">Where the value stands, for errors.</param>
    private Hash256 HashStruct(string type, JsonElement value, string path)
    {
        var fields = _types.FieldsOf(type);
        if (value.ValueKind != JsonValueKind.Object) throw new FormatException($"{path} must be an object of type {type}");
        foreach (var given in value.EnumerateObject())
            if (!fields.Any(f => f.Name == given.Name))
                throw new FormatException($"{path}.{given.Name} is not a field of {type}: the signature would not cover it");
        var encoded = new ArrayBufferWriter<byte>(WordSize * (fields.Count + 1));
        _types.HashOf(type).CopyTo(encoded.GetSpan(WordSize));
        encoded.Advance(WordSize);
        foreach (var field in fields)
        {
            if (!value.TryGetProperty(field.Name, out var member) && !_types.IsStruct(field.Type))
                throw new FormatException($"{path}.{field.Name} is missing");
            Encode(field.Type, member, $"{path}.{field.Name}", encoded.GetSpan(WordSize)[..WordSize]);
            encoded.Advance(WordSize);
        }
        return Keccak.Hash(encoded.WrittenSpan);
    }

    private void Encode(string type, JsonElement value, string path, Span<byte> word)
    {
        word.Clear();
        if (type.EndsWith(']')) HashArray(type, value, path).CopyTo(word);
        else if (!_types.IsStruct(type)) TypedValue.Encode(type, value, path, word);
        else if (value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined)) HashStruct(type, value, path).CopyTo(word);
    }

    private Hash256 HashArray(string type, JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Array) throw new FormatException($"{path} must be an array of type {type}");
        var open = type.LastIndexOf('[');
        var (element, size) = (type[..open], type[(open + 1)..^1]);
        var count = value.GetArrayLength();
        if (size.Length > 0 && size.TrimStart('0') != (count == 0 ? "" : count.ToString(System.Globalization.CultureInfo.InvariantCulture)))
            throw new FormatException($"{path} has {count} elements, not {size}");
        var encoded = new byte[count * WordSize];
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            Encode(element, item, $"{path}[{index}]", encoded.AsSpan(index * WordSize, WordSize));
            index++;
        }
        return Keccak.Hash(encoded);
    }
}
