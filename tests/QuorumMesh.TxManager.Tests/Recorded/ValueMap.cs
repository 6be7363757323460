using System.Text;
using System.Text.Json;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// What is random in a recording (hashes, nonces, boxes) and where the managers stood: our own values in their places. A value is learnt
/// from the first answer that has it and must be the same from then on; what was published (keys, payloads) must be the same at once.
/// </summary>
internal sealed class ValueMap
{
    private const int ShortestRandom = 16;

    private readonly Dictionary<string, string> _values = [];
    private readonly Dictionary<string, string> _places = [];
    private readonly HashSet<string> _published = [];

    /// <param name="recorded">host:port</param>
    public void Place(string recorded, string ours)
    {
        Assert.Equal(recorded.Length, ours.Length);
        _places[recorded] = ours;
    }

    public void Publish(string text) => _published.Add(text);

    /// <summary>A value that no answer showed.</summary>
    public void Learn(string recorded, string ours) => _values.TryAdd(recorded, ours);

    /// <summary>A request of the recording as ours is to be.</summary>
    public RecordedRequest Ours(RecordedRequest request) => request with
    {
        Path = Path(request.Path),
        Headers = [.. request.Headers.Select(h => (h.Name, Ours(h.Value)))],
        Body = Ours(request.Body),
    };

    /// <summary>A hash that was sent unescaped had no slash; ours may have one.</summary>
    private string Path(string path)
    {
        foreach (var (recorded, ours) in _values)
            path = path.Replace(recorded, ours.Replace("/", "%2F", StringComparison.Ordinal), StringComparison.Ordinal);
        return Ours(path);
    }

    public string Ours(string text)
    {
        foreach (var (recorded, ours) in _places)
            text = text.Replace(recorded, ours, StringComparison.Ordinal);
        foreach (var (recorded, ours) in _values)
            text = text.Replace(recorded, ours, StringComparison.Ordinal)
                .Replace(Uri.EscapeDataString(recorded), Uri.EscapeDataString(ours), StringComparison.Ordinal);
        return text;
    }

    /// <returns>Each aspect in which the two differ: status alone, or else type, reason and body.</returns>
    public IEnumerable<(char Aspect, string What)> Compare(RecordedAnswer recorded, RecordedAnswer ours)
    {
        if (recorded.Status != ours.Status)
        {
            yield return ('s', $"status {ours.Status} '{Short(ours.Text)}' instead of {recorded.Status} '{Short(recorded.Text)}'");
            yield break;
        }

        if (recorded.ContentType != ours.ContentType && recorded.Body.Length > 0)
            yield return ('t', $"content type '{ours.ContentType}' instead of '{recorded.ContentType}'");
        if (recorded.Reason.Length > 40 && Ours(recorded.Reason) != ours.Reason)
            yield return ('r', $"reason '{ours.Reason}' instead of '{recorded.Reason}'");
        var body = recorded.ContentType.EndsWith("json", StringComparison.Ordinal) && recorded.Body.Length > 0
            ? CompareJson(Parse(recorded.Body), Parse(ours.Body), "$") : CompareTexts(recorded.Text, ours.Text);
        if (body is not null)
            yield return ('b', body);
    }

    private static JsonElement? Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body).RootElement;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Short(string text) => text.ReplaceLineEndings(" ") is { Length: > 90 } longer ? longer[..90] : text;

    private byte[] Ours(byte[] body)
    {
        var text = Ours(Encoding.Latin1.GetString(body));
        foreach (var (recorded, ours) in _values)
            text = text.Replace(Octets(recorded), Octets(ours), StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes(text);

        static string Octets(string base64) => Encoding.Latin1.GetString(Convert.FromBase64String(base64));
    }

    private string? CompareTexts(string recorded, string ours)
    {
        if (Ours(recorded) == ours)
            return null;
        var (left, right) = (recorded.Split(','), ours.Split(','));
        if (left.Length == right.Length && left.Zip(right).All(pair => CompareValue(pair.First, pair.Second)))
            return null;
        return $"'{Short(ours)}' instead of '{Short(recorded)}'";
    }

    private string? CompareJson(JsonElement? recorded, JsonElement? ours, string path)
    {
        if (recorded is not { } left || ours is not { } right || left.ValueKind != right.ValueKind)
            return $"{path}: '{Short(ours?.ToString() ?? "")}' instead of '{Short(recorded?.ToString() ?? "")}'";
        switch (left.ValueKind)
        {
            case JsonValueKind.Object:
                string[] names = [.. left.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)];
                string[] ourNames = [.. right.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)];
                if (!names.SequenceEqual(ourNames))
                    return $"{path}: members {string.Join(',', ourNames)} instead of {string.Join(',', names)}";
                // All of them, whatever differs first: their values are learnt.
                string?[] members = [.. names.Select(n => CompareJson(left.GetProperty(n), right.GetProperty(n), $"{path}.{n}"))];
                return Array.Find(members, d => d is not null);
            case JsonValueKind.Array:
                if (left.GetArrayLength() != right.GetArrayLength())
                    return $"{path}: {right.GetArrayLength()} items instead of {left.GetArrayLength()}";
                return Sorted(left, Ours).Zip(Sorted(right, t => t)).Select((pair, i) =>
                    CompareJson(pair.First, pair.Second, $"{path}[{i}]")).FirstOrDefault(d => d is not null);
            case JsonValueKind.String:
                return CompareValue(left.GetString()!, right.GetString()!)
                    ? null : $"{path}: '{Short(right.GetString()!)}' instead of '{Short(left.GetString()!)}'";
            default:
                return left.GetRawText() == right.GetRawText()
                    ? null : $"{path}: {right.GetRawText()} instead of {left.GetRawText()}";
        }
    }

    /// <summary>Lists of objects have the order of a hash table (tessera 13.1).</summary>
    private static IEnumerable<JsonElement> Sorted(JsonElement list, Func<string, string> text) =>
        list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.Object)
            ? list.EnumerateArray().OrderBy(i => text(Ordered(i)), StringComparer.Ordinal)
            : list.EnumerateArray();

    /// <summary>The same text whatever the order of the members.</summary>
    private static string Ordered(JsonElement item) => string.Join(
        ' ', item.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name} {p.Value.GetRawText()}"));

    private bool CompareValue(string recorded, string ours)
    {
        if (Ours(recorded) == ours)
            return true;
        if (_values.ContainsKey(recorded) || _published.Contains(recorded) || !IsRandom(recorded, ours))
            return false;
        _values[recorded] = ours;
        return true;
    }

    private static bool IsRandom(string recorded, string ours)
    {
        var (left, right) = (new byte[recorded.Length], new byte[ours.Length]);
        return Convert.TryFromBase64String(recorded, left, out var length) && Convert.TryFromBase64String(ours, right, out var ourLength)
            && length == ourLength && length >= ShortestRandom;
    }
}
