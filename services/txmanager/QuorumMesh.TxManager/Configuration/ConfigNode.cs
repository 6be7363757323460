using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>A place in the JSON configuration that knows its path, so that every complaint names the key.</summary>
internal readonly struct ConfigNode(JsonNode? node, string path)
{
    public string Path => path;

    public bool Exists => node is not null;

    public ConfigNode this[string member] => new(Object()?[member], path.Length == 0 ? member : $"{path}.{member}");

    public static ConfigNode Load(string file, IEnumerable<string> overrides)
    {
        JsonNode root;
        var text = string.Empty;
        try
        {
            text = File.ReadAllText(file);
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 32 };
            root = JsonNode.Parse(text, null, options) as JsonObject
                ?? throw new OptionsException("-configfile", $"'{file}' must hold a JSON object");
        }
        catch (JsonException e)
        {
            throw new OptionsException("-configfile", IsConstellation(text)
                ? $"'{file}' is a configuration of Constellation (TOML); write it as Tessera's JSON (url is the P2P server's "
                    + "serverAddress, othernodes are peer, socket is the Q2T server's)"
                : $"'{file}' is not JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException("-configfile", $"'{file}' cannot be read: {e.Message}", e);
        }

        foreach (var change in overrides)
            ConfigOverride.Apply(root, change);

        return new ConfigNode(root, string.Empty);
    }

    public string? Text()
    {
        if (node is null)
            return null;
        return node is JsonValue value && value.TryGetValue(out string? text) ? text : throw Wrong("a string");
    }

    public string Required() => OptionRules.Required(path, Text());

    public bool Flag(bool otherwise = false)
    {
        if (node is not JsonValue value)
            return node is null ? otherwise : throw Wrong("true or false");
        if (value.TryGetValue(out bool flag))
            return flag;
        return value.TryGetValue(out string? text) && bool.TryParse(text, out flag) ? flag : throw Wrong("true or false");
    }

    public long Number(long otherwise, long least, long most)
    {
        if (node is not JsonValue value)
            return node is null ? otherwise : throw Wrong("a number");
        long number = 0;
        var isNumber = value.TryGetValue(out number) || (value.TryGetValue(out string? text) && long.TryParse(text, out number));
        return isNumber ? OptionRules.Range(path, number, least, most) : throw Wrong("a whole number");
    }

    public IReadOnlyList<ConfigNode> Items()
    {
        if (node is null)
            return [];
        var here = path;
        return node is JsonArray array ? [.. array.Select((item, i) => new ConfigNode(item, $"{here}[{i}]"))] : throw Wrong("an array");
    }

    /// <summary>The names of an object's members; of anything else none.</summary>
    public IEnumerable<string> Members() => node is JsonObject members ? [.. members.Select(m => m.Key)] : [];

    /// <summary>Every string below this place, with its path.</summary>
    public IEnumerable<(string Path, string Value)> Texts()
    {
        var here = this;
        return node switch
        {
            JsonObject => Members().SelectMany(m => here[m].Texts()),
            JsonArray => Items().SelectMany(i => i.Texts()),
            JsonValue value when value.TryGetValue(out string? text) => [(path, text)],
            _ => [],
        };
    }

    public OptionsException Wrong(string expected) => new(path, $"must be {expected}");

    /// <summary>Lines of name = value before anything else.</summary>
    private static bool IsConstellation(string text) =>
        text.Split('\n').Select(l => l.Trim()).FirstOrDefault(l => l.Length > 0 && l[0] != '#') is { } first
        && first.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals && first[..equals].Trim().All(char.IsAsciiLetter);

    private JsonObject? Object() => node is null ? null : node as JsonObject ?? throw Wrong("an object");
}
