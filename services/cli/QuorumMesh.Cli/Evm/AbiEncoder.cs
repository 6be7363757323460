using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Nethereum.ABI.FunctionEncoding;
using Nethereum.ABI.Model;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Evm;

/// <summary>
/// Call data of a function's arguments by Nethereum, from what is typed: integers are JSON numbers or decimal or 0x strings;
/// bytes are 0x strings, or any other text as its UTF-8; arrays are JSON arrays. Tuples are not known. The library takes values
/// that do not fit, so they are judged here.
/// </summary>
internal static class AbiEncoder
{
    private const int MaxItems = 10_000;
    private const int MaxNesting = 16;

    /// <summary>A four-byte selector and the arguments.</summary>
    /// <param name="signature">As <c>transfer(address,uint256)</c>.</param>
    /// <exception cref="FormatException">The signature, the number of values or a value is wrong.</exception>
    public static byte[] EncodeCall(string signature, IReadOnlyList<JsonElement> values)
    {
        var trimmed = signature.Replace(" ", "", StringComparison.Ordinal);
        var open = trimmed.IndexOf('(', StringComparison.Ordinal);
        if (open < 1 || trimmed[^1] != ')' || trimmed.LastIndexOf('(') != open)
            throw new FormatException($"'{signature}' is not a signature like set(uint256), without tuples");
        var inner = trimmed[(open + 1)..^1];
        string[] types = inner.Length == 0 ? [] : inner.Split(',');
        return [.. Keccak.Hash(Encoding.UTF8.GetBytes(trimmed)).ToArray()[..4], .. Encode(types, values)];
    }

    /// <exception cref="FormatException">A type is not known, or a value does not fit its type.</exception>
    public static byte[] Encode(IReadOnlyList<string> types, IReadOnlyList<JsonElement> values)
    {
        if (types.Count != values.Count) throw new FormatException($"{values.Count} values for {types.Count} types");
        object[] given = [.. types.Zip(values, (type, value) => Value(type, value, 0))];
        return new ParametersEncoder().EncodeParameters([.. types.Select((type, i) => new Parameter(type, i + 1))], given);
    }

    private static object Value(string type, JsonElement value, int depth)
    {
        if (depth > MaxNesting) throw new FormatException($"arrays nest more than {MaxNesting} deep");
        if (type.EndsWith(']')) return Array(type, value, depth);
        return type switch
        {
            "string" => Text(value),
            "bytes" => Bytes(value),
            "bool" => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Unfit(type, value),
            "address" => Address.TryParse(Text(value), out var address) ? address.ToString() : throw Unfit(type, value),
            _ when Size(type, "bytes") is { } size and >= 1 and <= 32 => Bytes(value) is var bytes && bytes.Length <= size
                ? Padded(bytes, size) : throw Unfit(type, value),
            _ => Integer(type, value),
        };
    }

    private static List<object> Array(string type, JsonElement value, int depth)
    {
        var open = type.LastIndexOf('[');
        var element = type[..Math.Max(open, 0)];
        var length = type[(open + 1)..^1];
        if (element.Length == 0 || value.ValueKind != JsonValueKind.Array)
            throw new FormatException($"{value.GetRawText()} is not a JSON array for {type}");
        var count = value.GetArrayLength();
        if (count > MaxItems) throw new FormatException($"more than {MaxItems} items in an array");
        if (length.Length > 0 && length != count.ToString(CultureInfo.InvariantCulture))
            throw new FormatException($"{count} items for {type}");
        return [.. value.EnumerateArray().Select(v => Value(element, v, depth + 1))];
    }

    private static object Integer(string type, JsonElement value)
    {
        var signed = type.StartsWith("int", StringComparison.Ordinal);
        var bits = (type is "int" or "uint" ? 256 : Size(type, signed ? "int" : "uint")) ?? 0;
        if (bits is < 8 or > 256 || bits % 8 != 0) throw new FormatException($"the type '{type}' is not known");
        var number = Number(type, value);
        var limit = BigInteger.One << (signed ? bits - 1 : bits);
        return number < limit && number >= (signed ? -limit : 0) ? number : throw Unfit(type, value);
    }

    private static int? Size(string type, string name) =>
        type.StartsWith(name, StringComparison.Ordinal)
            && int.TryParse(type.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;

    private static BigInteger Number(string type, JsonElement value)
    {
        var text = Text(value);
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign;
        return text.Length <= 100 && BigInteger.TryParse(hex ? "0" + text[2..] : text, style, CultureInfo.InvariantCulture, out var number)
            ? number : throw Unfit(type, value);
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static byte[] Bytes(JsonElement value) =>
        Text(value) is var text && text.StartsWith("0x", StringComparison.Ordinal) ? Hex.FromHex(text) : Encoding.UTF8.GetBytes(text);

    private static byte[] Padded(byte[] bytes, int size) => [.. bytes, .. new byte[size - bytes.Length]];

    private static FormatException Unfit(string type, JsonElement value) => new($"{value.GetRawText()} is no value of {type}");
}
