using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Evm;

/// <summary>
/// Solidity's contract ABI: call data of a function's arguments. Integers are JSON numbers or decimal or 0x strings; bytes are 0x strings, or
/// any other text as its UTF-8; arrays are JSON arrays. Tuples are not known.
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
        string trimmed = signature.Replace(" ", "", StringComparison.Ordinal);
        int open = trimmed.IndexOf('(', StringComparison.Ordinal);
        if (open < 1 || trimmed[^1] != ')' || trimmed.LastIndexOf('(') != open) throw new FormatException($"'{signature}' is not a signature like set(uint256), without tuples");
        string inner = trimmed[(open + 1)..^1];
        string[] types = inner.Length == 0 ? [] : inner.Split(',');
        return [.. Keccak.Hash(Encoding.UTF8.GetBytes(trimmed)).ToArray()[..4], .. Encode(types, values)];
    }

    /// <exception cref="FormatException">A type is not known, or a value does not fit its type.</exception>
    public static byte[] Encode(IReadOnlyList<string> types, IReadOnlyList<JsonElement> values)
    {
        if (types.Count != values.Count) throw new FormatException($"{values.Count} values for {types.Count} types");
        return Sequence([.. types.Zip(values, (type, value) => Item(type, value, 0))]);
    }

    /// <summary>Heads, then the tails that offsets in the heads point to.</summary>
    private static byte[] Sequence((bool Dynamic, byte[] Bytes)[] items)
    {
        int offset = items.Sum(i => i.Dynamic ? 32 : i.Bytes.Length);
        var heads = new List<byte>();
        var tails = new List<byte>();
        foreach ((bool dynamic, byte[] bytes) in items)
        {
            heads.AddRange(dynamic ? Word(offset + tails.Count) : bytes);
            if (dynamic) tails.AddRange(bytes);
        }

        return [.. heads, .. tails];
    }

    private static (bool Dynamic, byte[] Bytes) Item(string type, JsonElement value, int depth)
    {
        if (depth > MaxNesting) throw new FormatException($"arrays nest more than {MaxNesting} deep");
        if (type.EndsWith(']')) return Array(type, value, depth);
        if (type is "bytes" or "string")
        {
            byte[] bytes = Bytes(value, text: type == "string");
            return (true, [.. Word(bytes.Length), .. PadRight(bytes)]);
        }

        return (false, Static(type, value));
    }

    private static (bool Dynamic, byte[] Bytes) Array(string type, JsonElement value, int depth)
    {
        int open = type.LastIndexOf('[');
        string element = type[..Math.Max(open, 0)];
        string length = type[(open + 1)..^1];
        if (element.Length == 0 || value.ValueKind != JsonValueKind.Array) throw new FormatException($"{value.GetRawText()} is not a JSON array for {type}");
        int count = value.GetArrayLength();
        if (count > MaxItems) throw new FormatException($"more than {MaxItems} items in an array");
        if (length.Length > 0 && length != count.ToString(CultureInfo.InvariantCulture)) throw new FormatException($"{count} items for {type}");
        byte[] items = Sequence([.. value.EnumerateArray().Select(v => Item(element, v, depth + 1))]);
        return length.Length == 0 ? (true, [.. Word(count), .. items]) : (IsDynamic(element), items);
    }

    private static bool IsDynamic(string type) =>
        type is "bytes" or "string" || type.EndsWith("[]", StringComparison.Ordinal) || (type.EndsWith(']') && IsDynamic(type[..type.LastIndexOf('[')]));

    private static byte[] Static(string type, JsonElement value)
    {
        if (type == "bool") return Word(value.ValueKind is JsonValueKind.True or JsonValueKind.False ? (value.GetBoolean() ? 1 : 0) : throw Unfit(type, value));
        if (type == "address") return Address.TryParse(Text(value), out Address address) ? PadLeft(address.ToArray()) : throw Unfit(type, value);
        if (Size(type, "bytes") is { } size and >= 1 and <= 32)
        {
            byte[] bytes = Bytes(value, text: false);
            return bytes.Length <= size ? PadRight(bytes.Length == 0 ? [0] : bytes) : throw Unfit(type, value);
        }

        bool signed = type.StartsWith("int", StringComparison.Ordinal);
        int bits = (type is "int" or "uint" ? 256 : Size(type, signed ? "int" : "uint")) ?? 0;
        if (bits is < 8 or > 256 || bits % 8 != 0) throw new FormatException($"the type '{type}' is not known");
        BigInteger number = Number(type, value);
        BigInteger limit = BigInteger.One << (signed ? bits - 1 : bits);
        return number < limit && number >= (signed ? -limit : 0) ? Word(number) : throw Unfit(type, value);
    }

    private static int? Size(string type, string name) =>
        type.StartsWith(name, StringComparison.Ordinal) && int.TryParse(type.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size : null;

    private static BigInteger Number(string type, JsonElement value)
    {
        string text = Text(value);
        bool hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return text.Length <= 100 && BigInteger.TryParse(hex ? "0" + text[2..] : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number)
            ? number
            : throw Unfit(type, value);
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static byte[] Bytes(JsonElement value, bool text)
    {
        string given = Text(value);
        return !text && given.StartsWith("0x", StringComparison.Ordinal) ? Hex.FromHex(given) : Encoding.UTF8.GetBytes(given);
    }

    private static byte[] Word(BigInteger number)
    {
        byte[] bytes = (number.Sign < 0 ? number + (BigInteger.One << 256) : number).ToByteArray(isUnsigned: true, isBigEndian: true);
        return PadLeft(bytes);
    }

    private static byte[] PadLeft(byte[] bytes) => [.. new byte[32 - bytes.Length], .. bytes];

    private static byte[] PadRight(byte[] bytes) => [.. bytes, .. new byte[(32 - bytes.Length % 32) % 32]];

    private static FormatException Unfit(string type, JsonElement value) => new($"{value.GetRawText()} is no value of {type}");
}
