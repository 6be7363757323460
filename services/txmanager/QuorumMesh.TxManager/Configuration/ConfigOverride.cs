using System.Globalization;
using System.Text.Json.Nodes;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Tessera's <c>-o path=value</c>, for example <c>jdbc.username=sa</c> or <c>peer[1].url=http://b:9001</c>.</summary>
internal static class ConfigOverride
{
    private const int MaxIndex = 1000;

    public static void Apply(JsonNode root, string change)
    {
        var equals = change.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
            throw new UsageException($"-o {change}: write it as path=value, for example jdbc.url=jdbc:sqlite:/data/tm.db");
        Step[] steps = [.. Parse(change[..equals], change)];
        var at = root;
        for (var i = 0; i < steps.Length - 1; i++)
        {
            var next = Get(at, steps[i]);
            if (next is null)
            {
                next = steps[i + 1].Index is null ? new JsonObject() : new JsonArray();
                Set(at, steps[i], next);
            }

            at = next;
        }

        Set(at, steps[^1], JsonValue.Create(change[(equals + 1)..]));
    }

    private static IEnumerable<Step> Parse(string path, string change)
    {
        foreach (var part in path.Split('.'))
        {
            var bracket = part.IndexOf('[', StringComparison.Ordinal);
            var name = bracket < 0 ? part : part[..bracket];
            if (name.Length == 0)
                throw new UsageException($"-o {change}: the path has an empty part");
            yield return new Step(name, null);
            if (bracket < 0)
                continue;
            var index = part[(bracket + 1)..].TrimEnd(']');
            yield return int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MaxIndex
                ? new Step(null, number)
                : throw new UsageException($"-o {change}: '{index}' is not an index from 0 to {MaxIndex}");
        }
    }

    private static JsonNode? Get(JsonNode at, Step step) => (at, step.Index) switch
    {
        (JsonObject o, null) => o[step.Name!],
        (JsonArray a, { } i) => i < a.Count ? a[i] : null,
        _ => throw new UsageException($"-o: '{step}' does not fit the configuration file"),
    };

    private static void Set(JsonNode at, Step step, JsonNode value)
    {
        switch (at, step.Index)
        {
            case (JsonObject o, null):
                o[step.Name!] = value;
                break;
            case (JsonArray a, { } i):
                while (a.Count <= i)
                    a.Add((JsonNode?)null);

                a[i] = value;
                break;
            default:
                throw new UsageException($"-o: '{step}' does not fit the configuration file");
        }
    }

    private sealed record Step(string? Name, int? Index)
    {
        public override string ToString() => Name ?? $"[{Index}]";
    }
}
