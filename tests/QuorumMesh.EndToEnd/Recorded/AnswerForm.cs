using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace QuorumMesh.EndToEnd.Recorded;

/// <summary>
/// Whether an answer has a recorded one's form: the same fields, kinds and lengths, and the same values where nothing of the run is
/// in them.
/// </summary>
internal sealed partial class AnswerForm(ValueMap map)
{
    /// <summary>Whose results hold nothing of the run.</summary>
    private static readonly HashSet<string> Exact =
    [
        "eth_chainId", "eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_call", "eth_getCode", "eth_getStorageAt", "eth_mining",
        "eth_hashrate", "eth_syncing", "web3_sha3", "net_version", "net_listening", "eth_getPrivacyPrecompileAddress",
        "eth_uninstallFilter", "eth_unsubscribe", "eth_protocolVersion", "eth_getUncleCountByBlockNumber",
    ];

    /// <summary>Lists whose length is a matter of the moment.</summary>
    private static readonly HashSet<string> Loose =
        ["eth_getFilterChanges", "eth_getBlockByNumber", "eth_getBlockByHash", "admin_peers"];

    /// <summary>Fields of the run's own: software, ports, times.</summary>
    private static readonly HashSet<string> Own = ["accountProof", "proof", "raw", "extraData", "name", "id", "enode", "enr", "caps",
        "inbound", "static", "trusted", "nodeActive"];

    public IEnumerable<string> Compare(string method, JsonNode? recorded, JsonNode? actual)
    {
        if (recorded is JsonArray batch)
        {
            if (actual is not JsonArray answers || answers.Count != batch.Count) return ["the batch is answered otherwise"];
            return batch.Zip(answers).SelectMany(pair => Compare("batch", pair.First, pair.Second));
        }
        if (actual is null) return ["no answer"];
        if (actual["jsonrpc"]?.ToString() != "2.0") return ["no JSON-RPC 2.0"];
        if (recorded!["error"] is { } error)
            return actual["error"] is { } own ? CompareErrors(error, own) : [$"answered, where {error.ToJsonString()} was recorded"];
        if (actual["error"] is { } failed) return [$"fails: {failed.ToJsonString()}"];
        return Values(method, "result", recorded["result"], actual["result"]);
    }

    private IEnumerable<string> CompareErrors(JsonNode recorded, JsonNode actual)
    {
        if (recorded["code"]!.ToJsonString() != actual["code"]!.ToJsonString())
            yield return $"error {actual.ToJsonString()}, where {recorded.ToJsonString()} was recorded";
        else if (!string.Equals(map.Apply((string)recorded["message"]!), (string)actual["message"]!, StringComparison.OrdinalIgnoreCase))
            yield return $"says '{actual["message"]}', where '{recorded["message"]}' was recorded";
        if (recorded["data"]?.ToJsonString() != actual["data"]?.ToJsonString()) yield return "the error's data differ";
    }

    private IEnumerable<string> Values(string method, string name, JsonNode? recorded, JsonNode? actual)
    {
        if (recorded is null || actual is null) return IsNullFine(name, recorded, actual) ? [] : [$"{name}: null on one side"];
        if (recorded.GetValueKind() != actual.GetValueKind() && !(IsBool(recorded) && IsBool(actual)))
            return [$"{name}: {Kind(actual)}, where {Kind(recorded)} was recorded"];
        return (recorded, actual) switch
        {
            (JsonObject was, JsonObject found) => Objects(method, name, was, found),
            (JsonArray was, JsonArray found) => Arrays(method, name, was, found),
            _ => Scalar(method, name, recorded, actual),
        };
    }

    /// <summary>A transaction or receipt that was looked for too early, or is mined by now.</summary>
    private static bool IsNullFine(string name, JsonNode? recorded, JsonNode? actual) => (recorded is null && actual is null)
        || (recorded is null && name is "result" or "blockHash" or "blockNumber" or "transactionIndex");

    private IEnumerable<string> Objects(string method, string name, JsonObject recorded, JsonObject actual)
    {
        foreach (var (key, value) in recorded)
        {
            if (name == "transactions" && (key is "to" or "input" || IsOther(recorded, actual))) continue;
            if (!actual.ContainsKey(key)) yield return $"{name} lacks {key}";
            else if (!Own.Contains(key))
                foreach (var difference in Values(method, key, value, actual[key])) yield return difference;
        }
        foreach (var (key, _) in actual)
            if (!recorded.ContainsKey(key) && !(name == "transactions" && IsOther(recorded, actual))) yield return $"{name} has {key} too";
    }

    /// <summary>A block that the recording names by its number alone holds other transactions here.</summary>
    private static bool IsOther(JsonObject recorded, JsonObject actual) =>
        recorded["type"]?.ToString() != actual["type"]?.ToString() || recorded["v"]?.ToString().Length != actual["v"]?.ToString().Length;

    private IEnumerable<string> Arrays(string method, string name, JsonArray recorded, JsonArray actual)
    {
        if (recorded.Count > 0 != actual.Count > 0 && !Loose.Contains(method) && name is not ("reward" or "accessList"))
            return [$"{name}: {actual.Count} items, where {recorded.Count} were recorded"];
        return recorded.Zip(actual).SelectMany(pair => Values(method, name, pair.First, pair.Second));
    }

    private IEnumerable<string> Scalar(string method, string name, JsonNode recorded, JsonNode actual)
    {
        if (recorded.GetValueKind() != JsonValueKind.String)
        {
            if (IsBool(recorded) && recorded.GetValueKind() != actual.GetValueKind())
                yield return $"{name}: {actual.ToJsonString()}, where {recorded.ToJsonString()} was recorded";
            yield break;
        }
        var (was, found) = ((string)recorded!, (string)actual!);
        if (Exact.Contains(method) && name == "result")
        {
            if (!string.Equals(map.Apply(was), found, StringComparison.OrdinalIgnoreCase))
                yield return $"{name}: {Short(found)}, where {Short(was)} was recorded";
        }
        else if (name is "r" or "s" or "v" ? !Quantity().IsMatch(found) : Form(was) != Form(found))
        {
            yield return $"{name}: {Short(found)}, where the form of {Short(was)} was recorded";
        }
    }

    private static string Form(string text) => text.Length switch
    {
        _ when !Hex().IsMatch(text) => "text",
        2 => "empty",
        42 or 66 or 514 => $"{(text.Length - 2) / 2} bytes",
        < 36 when Quantity().IsMatch(text) => "quantity",
        _ when text.Length % 2 == 0 => "data",
        _ => "quantity",
    };

    private static bool IsBool(JsonNode node) => node.GetValueKind() is JsonValueKind.True or JsonValueKind.False;

    private static string Kind(JsonNode node) => node.GetValueKind().ToString();

    private static string Short(string text) => text.Length > 80 ? text[..80] + "…" : text;

    [GeneratedRegex("^0x[0-9a-f]*$")]
    private static partial Regex Hex();

    [GeneratedRegex("^0x(0|[1-9a-f][0-9a-f]*)$")]
    private static partial Regex Quantity();
}
