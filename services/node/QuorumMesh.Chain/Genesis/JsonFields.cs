using System.Globalization;
using System.Numerics;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <summary>Reads a JSON object as Go does: keys without regard to case, integers as numbers or strings, decimal or 0x.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _path;

    public JsonFields(JsonElement element, string path)
    {
        _path = path;
        if (element.ValueKind != JsonValueKind.Object)
            throw new ConfigurationException($"genesis: {(path.Length == 0 ? "the file" : path)} must be a JSON object");
        foreach (var property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Null)
                _fields[property.Name] = property.Value;
        }
    }

    public IEnumerable<string> Names => _fields.Keys;

    public bool Has(string name) => _fields.ContainsKey(name);

    public string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    /// <summary>The names that are none of these.</summary>
    public IEnumerable<string> Unknown(IReadOnlyCollection<string> known) =>
        Names.Where(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <exception cref="ConfigurationException">There is a field of another name.</exception>
    public void RequireOnly(IReadOnlyCollection<string> known)
    {
        if (Unknown(known).FirstOrDefault() is { } name)
            throw new ConfigurationException($"genesis: {PathOf(name)} is not known: remove it, or use one of {string.Join(", ", known)}");
    }

    public JsonFields? Object(string name) => _fields.TryGetValue(name, out var value) ? new JsonFields(value, PathOf(name)) : null;

    public IEnumerable<(string Name, JsonElement Value)> Items() => _fields.Select(f => (f.Key, f.Value));

    public IReadOnlyList<JsonFields> Array(string name)
    {
        if (!_fields.TryGetValue(name, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw new ConfigurationException($"genesis: {PathOf(name)} must be an array");
        return [.. value.EnumerateArray().Select((item, i) => new JsonFields(item, $"{PathOf(name)}[{i}]"))];
    }

    public int ArrayLength(string name) =>
        _fields.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.GetArrayLength() : 0;

    public bool Bool(string name)
    {
        if (!_fields.TryGetValue(name, out var value))
            return false;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new ConfigurationException($"genesis: {PathOf(name)} must be true or false"),
        };
    }

    /// <summary>Null when absent.</summary>
    public bool? OptionalBool(string name) => Has(name) ? Bool(name) : null;

    public UInt256? Integer(string name)
    {
        if (!_fields.TryGetValue(name, out var value))
            return null;
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number => value.GetRawText(),
            _ => throw NotInteger(name),
        };
        if (text.Length == 0)
            return UInt256.Zero;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return ParseHex(name, text[2..]);
        if (!BigInteger.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number >> 256 != 0)
            throw NotInteger(name);
        return UInt256.FromBigInteger(number);
    }

    public ulong? UInt64(string name)
    {
        if (Integer(name) is not { } value)
            return null;
        return value.IsUInt64 ? (ulong)value : throw new ConfigurationException($"genesis: {PathOf(name)} does not fit 64 bits");
    }

    public int Int(string name) =>
        UInt64(name) is not { } value ? 0
        : value <= int.MaxValue ? (int)value
        : throw new ConfigurationException($"genesis: {PathOf(name)} is too large");

    public byte[]? Bytes(string name)
    {
        if (Text(name) is not { } text)
            return null;
        return Hex.TryFromHex(text, out var bytes) ? bytes : throw new ConfigurationException($"genesis: {PathOf(name)} must be hex bytes");
    }

    public Hash256? Hash(string name) => Bytes(name) is not { } bytes ? null
        : bytes.Length == Hash256.Size ? new Hash256(bytes)
        : throw new ConfigurationException($"genesis: {PathOf(name)} must have 32 bytes, not {bytes.Length}");

    public Address? Address(string name) => Bytes(name) is not { } bytes ? null
        : bytes.Length == Primitives.Address.Size ? new Address(bytes)
        : throw new ConfigurationException($"genesis: {PathOf(name)} must have 20 bytes, not {bytes.Length}");

    /// <summary>Empty when absent.</summary>
    public IReadOnlyList<Address> Addresses(string name)
    {
        if (!_fields.TryGetValue(name, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw new ConfigurationException($"genesis: {PathOf(name)} must be an array");
        return [.. value.EnumerateArray().Select((item, i) =>
            item.ValueKind == JsonValueKind.String && Primitives.Address.TryParse(item.GetString()!, out var address) ? address
                : throw new ConfigurationException($"genesis: {PathOf(name)}[{i}] must be an address of 20 hex bytes"))];
    }

    public string? Text(string name) =>
        !_fields.TryGetValue(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new ConfigurationException($"genesis: {PathOf(name)} must be a string");

    private UInt256 ParseHex(string name, string digits)
    {
        digits = digits.TrimStart('0');
        if (digits.Length > 64 || !digits.All(char.IsAsciiHexDigit))
            throw NotInteger(name);
        return digits.Length == 0 ? UInt256.Zero
            : UInt256.FromBigEndian(Convert.FromHexString(digits.Length % 2 == 0 ? digits : "0" + digits));
    }

    private ConfigurationException NotInteger(string name) =>
        new($"genesis: {PathOf(name)} must be a non-negative integer, decimal or 0x-hex, of at most 256 bits");
}
