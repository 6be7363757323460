using System.Text;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <param name="Type">As <c>uint256</c>, <c>Person[]</c> or <c>bytes32[2][]</c>.</param>
internal readonly record struct TypedField(string Name, string Type);

/// <summary>The <c>types</c> of EIP-712 data: what structs there are, and their encodeType and typeHash.</summary>
internal sealed class TypedDataTypes
{
    public const string Domain = "EIP712Domain";

    private const int MaxTypes = 64;
    private const int MaxFields = 128;
    private const int MaxNameLength = 256;

    private readonly Dictionary<string, TypedField[]> _structs = [];
    private readonly Dictionary<string, Hash256> _hashes = [];

    /// <exception cref="FormatException">Not a map of structs, or one uses a type that does not exist.</exception>
    public TypedDataTypes(JsonElement types)
    {
        if (types.ValueKind != JsonValueKind.Object) throw new FormatException("types must be an object");
        foreach (var type in types.EnumerateObject())
        {
            if (_structs.Count >= MaxTypes) throw new FormatException($"more than {MaxTypes} types");
            if (!IsName(type.Name) || IsAtomic(type.Name)) throw new FormatException($"'{type.Name}' is no name for a struct");
            _structs[type.Name] = ReadFields(type);
        }
        foreach (var (name, fields) in _structs)
            foreach (var field in fields)
                if (ElementOf(field.Type) is var element && !IsStruct(element) && !IsAtomic(element))
                    throw new FormatException($"the type '{field.Type}' of {name}.{field.Name} is neither one of Solidity's nor in types");
    }

    public bool IsStruct(string type) => _structs.ContainsKey(type);

    public IReadOnlyList<TypedField> FieldsOf(string type) =>
        _structs.TryGetValue(type, out var fields) ? fields : throw new FormatException($"the type '{type}' is not in types");

    public Hash256 HashOf(string type)
    {
        if (!_hashes.TryGetValue(type, out var hash)) _hashes[type] = hash = Keccak.Hash(Encoding.UTF8.GetBytes(EncodeType(type)));
        return hash;
    }

    /// <summary>The struct itself, then those that it uses, in the order of their names.</summary>
    public string EncodeType(string type)
    {
        var used = new SortedSet<string>(StringComparer.Ordinal);
        Collect(type, used);
        used.Remove(type);
        return string.Concat(used.Prepend(type).Select(t => $"{t}({string.Join(',', FieldsOf(t).Select(f => $"{f.Type} {f.Name}"))})"));
    }

    /// <summary><c>Person[2][]</c> → <c>Person</c>.</summary>
    public static string ElementOf(string type) => type.IndexOf('[', StringComparison.Ordinal) is var at and >= 0 ? type[..at] : type;

    /// <summary>bool, address, string, bytes, bytes1…32, int and uint of 8…256 bits.</summary>
    public static bool IsAtomic(string type) =>
        type is "bool" or "address" or "string" or "bytes" || SizeOf(type, "bytes") is >= 1 and <= 32
        || (type.StartsWith('u') ? BitsOf(type[1..]) : BitsOf(type)) is >= 8 and <= 256;

    /// <summary>Bits of <c>int…</c>; -1 when it is none. Without a number it has 256.</summary>
    public static int BitsOf(string type) => type == "int" ? 256 : SizeOf(type, "int") is var bits && bits % 8 == 0 ? bits : -1;

    /// <summary>The number behind a prefix, written without leading zeros; -1 when it is not there.</summary>
    public static int SizeOf(string type, string prefix) =>
        type.StartsWith(prefix, StringComparison.Ordinal) && type.Length is var length && length > prefix.Length
            && length <= prefix.Length + 3 && type[prefix.Length] != '0'
            && int.TryParse(type.AsSpan(prefix.Length), System.Globalization.NumberStyles.None,
                System.Globalization.CultureInfo.InvariantCulture, out var size) ? size : -1;

    private static TypedField[] ReadFields(JsonProperty type)
    {
        if (type.Value.ValueKind != JsonValueKind.Array) throw new FormatException($"the type {type.Name} must be a list of fields");
        if (type.Value.GetArrayLength() > MaxFields) throw new FormatException($"the type {type.Name} has more than {MaxFields} fields");
        var fields = type.Value.EnumerateArray().Select(f => ReadField(type.Name, f)).ToArray();
        return fields.Select(f => f.Name).Distinct().Count() == fields.Length ? fields
            : throw new FormatException($"the type {type.Name} has two fields of one name");
    }

    private static TypedField ReadField(string of, JsonElement field)
    {
        if (field.ValueKind != JsonValueKind.Object || !field.TryGetProperty("name", out var name)
            || !field.TryGetProperty("type", out var type)
            || name.ValueKind != JsonValueKind.String || type.ValueKind != JsonValueKind.String)
            throw new FormatException($"a field of {of} needs a name and a type");
        var read = new TypedField(name.GetString()!, type.GetString()!);
        if (!IsName(read.Name)) throw new FormatException($"'{read.Name}' of {of} is no name for a field");
        return HasGoodDimensions(read.Type) ? read : throw new FormatException($"'{read.Type}' of {of}.{read.Name} is no type");
    }

    /// <summary>
    /// Nothing that could make the encoded type read as another one: letters, digits, <c>_</c>, <c>$</c> and, for namespaces,
    /// <c>.</c> and <c>:</c>.
    /// </summary>
    private static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameLength && !char.IsAsciiDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '.' or ':');

    private static bool HasGoodDimensions(string type)
    {
        var rest = type.AsSpan(ElementOf(type).Length);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf(']');
            if (rest[0] != '[' || end < 0 || end > 10 || rest[1..end].IndexOfAnyExceptInRange('0', '9') >= 0) return false;
            rest = rest[(end + 1)..];
        }
        return type.Length <= MaxNameLength;
    }

    private void Collect(string type, SortedSet<string> used)
    {
        var waiting = new Stack<string>([type]);
        while (waiting.TryPop(out var next))
        {
            if (!used.Add(next)) continue;
            foreach (var field in FieldsOf(next))
                if (ElementOf(field.Type) is var element && IsStruct(element)) waiting.Push(element);
        }
    }
}
