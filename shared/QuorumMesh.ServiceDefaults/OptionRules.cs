using System.Globalization;

namespace QuorumMesh.ServiceDefaults;

/// <summary>Checks of single settings. Each throws an <see cref="OptionsException"/> that names the key.</summary>
public static class OptionRules
{
    public static string Required(string key, string? value) =>
        string.IsNullOrWhiteSpace(value) ? throw new OptionsException(key, "is required") : value;

    public static int Port(string key, int value, bool zeroPicksOne = true) =>
        Range(key, value, zeroPicksOne ? 0 : 1, 65535);

    public static int Port(string key, string? value, bool zeroPicksOne = true) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? Port(key, port, zeroPicksOne)
            : throw new OptionsException(key, $"'{value}' is not a port number");

    public static T Range<T>(string key, T value, T least, T most) where T : IComparable<T> =>
        value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0
            ? value
            : throw new OptionsException(key, string.Create(CultureInfo.InvariantCulture, $"{value} is outside {least}..{most}"));

    public static string OneOf(string key, string? value, params ReadOnlySpan<string> allowed)
    {
        foreach (var candidate in allowed)
            if (string.Equals(candidate, value, StringComparison.OrdinalIgnoreCase))
                return candidate;
        throw new OptionsException(key, $"'{value}' is not one of {string.Join(", ", allowed.ToArray())}");
    }

    public static string ExistingFile(string key, string? path)
    {
        var value = Required(key, path);
        return File.Exists(value) ? value : throw new OptionsException(key, $"no file '{value}'");
    }

    /// <summary>Makes the directory when it is absent, closed to other users.</summary>
    public static string WritableDirectory(string key, string? path)
    {
        var value = Required(key, path);
        try
        {
            OwnFiles.MakeDirectory(value);
            var probe = Path.Combine(value, $".probe-{Environment.ProcessId}");
            using (File.Create(probe, 1, FileOptions.DeleteOnClose)) { }
            return value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new OptionsException(key, $"cannot write in '{value}': {e.Message}", e);
        }
    }

    public static Uri HttpUrl(string key, string? value) =>
        Uri.TryCreate(Required(key, value), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new OptionsException(key, $"'{value}' is not an http or https address");
}
