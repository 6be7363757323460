using System.Text.Json;

namespace QuorumMesh.Node.Rpc.Tests;

internal static class JsonDifference
{
    /// <summary>The first difference; null when there is none. The order of members does not count.</summary>
    /// <param name="shapeOnly">Kinds and members count, values and lengths of lists do not.</param>
    /// <param name="timeless">The values of members named "time" do not count.</param>
    public static string? Find(JsonElement expected, JsonElement actual, bool shapeOnly, string path, bool timeless = false)
    {
        shapeOnly |= timeless && path.EndsWith(".time", StringComparison.Ordinal);
        if (expected.ValueKind != actual.ValueKind) return $"{path} is {Shorten(actual)} instead of {Shorten(expected)}";
        return expected.ValueKind switch
        {
            JsonValueKind.Object => Members(expected, actual, shapeOnly, path, timeless),
            JsonValueKind.Array => Items(expected, actual, shapeOnly, path, timeless),
            _ when shapeOnly || JsonElement.DeepEquals(expected, actual) => null,
            _ => $"{path} is {Shorten(actual)} instead of {Shorten(expected)}",
        };
    }

    private static string? Members(JsonElement expected, JsonElement actual, bool shapeOnly, string path, bool timeless)
    {
        foreach (var member in expected.EnumerateObject())
        {
            if (!actual.TryGetProperty(member.Name, out var value)) return $"{path}.{member.Name} is missing";
            if (Find(member.Value, value, shapeOnly, $"{path}.{member.Name}", timeless) is { } difference) return difference;
        }
        foreach (var member in actual.EnumerateObject())
            if (!expected.TryGetProperty(member.Name, out _)) return $"{path}.{member.Name} is too much";
        return null;
    }

    private static string? Items(JsonElement expected, JsonElement actual, bool shapeOnly, string path, bool timeless)
    {
        if (!shapeOnly && expected.GetArrayLength() != actual.GetArrayLength())
            return $"{path} has {actual.GetArrayLength()} items instead of {expected.GetArrayLength()}";
        foreach (var (left, right) in expected.EnumerateArray().Zip(actual.EnumerateArray()))
            if (Find(left, right, shapeOnly, path + "[]", timeless) is { } difference) return difference;
        return null;
    }

    private static string Shorten(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 120 ? text : text[..120] + "…";
    }
}
