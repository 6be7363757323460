using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace QuorumMesh.EndToEnd.Recorded;

/// <summary>
/// What stands in this network for the values of the recorded one: accounts, manager keys, hashes, contract addresses, block numbers,
/// ids. Learnt from each answer beside the recorded one.
/// </summary>
internal sealed partial class ValueMap
{
    private static readonly HashSet<string> Named = ["hash", "blockHash", "parentHash", "transactionHash", "contractAddress", "input"];

    private readonly Dictionary<string, string> _texts = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _numbers = [];

    /// <summary>Block numbers above all that are known stand for the head.</summary>
    public ulong Head { get; set; }

    public void Add(string recorded, string actual)
    {
        if (recorded.Length < 10 || recorded == actual) return;
        _texts[Bare(recorded)] = Bare(actual);
    }

    public bool Knows(string recorded) => _texts.ContainsKey(Bare(recorded));

    /// <summary>A request, or a part of one, with this network's values.</summary>
    public string Apply(string text) =>
        Values().Replace(text, found => _texts.TryGetValue(found.Value, out var actual) ? actual
            : LongWord().Replace(found.Value, word => _texts.TryGetValue(word.Groups[1].Value, out var address)
                ? string.Concat(word.Value.AsSpan(0, 24), address) : word.Value));

    public string Block(string recorded) => _numbers.TryGetValue(recorded, out var actual) ? actual
        : Convert.ToUInt64(recorded, 16) <= Head ? recorded : $"0x{Head:x}";

    public void Learn(JsonNode? recorded, JsonNode? actual, string? name = null)
    {
        if (recorded is JsonObject fields && actual is JsonObject found)
        {
            foreach (var (key, value) in fields) Learn(value, found[key], key);
        }
        else if (recorded is JsonArray items && actual is JsonArray others)
        {
            for (var i = 0; i < Math.Min(items.Count, others.Count); i++) Learn(items[i], others[i], name);
        }
        else if (Text(recorded) is { } was && Text(actual) is { } isNow)
        {
            if (name is "number" or "blockNumber") _numbers[was] = isNow;
            else if (name is not null && Named.Contains(name) && was.Length == isNow.Length && was.Length is 42 or 66 or 130)
                Add(was, isNow);
        }
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? (string)value! : null;

    private static string Bare(string text) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;

    /// <summary>Runs of hex digits, as they stand in quotes or behind 0x, and base64 keys.</summary>
    [GeneratedRegex("(?<=0x|\")[0-9a-fA-F]{24,}|[A-Za-z0-9+/]{43}=")]
    private static partial Regex Values();

    /// <summary>An address as an argument of a call, or as a topic.</summary>
    [GeneratedRegex("0{24}([0-9a-fA-F]{40})")]
    private static partial Regex LongWord();
}
