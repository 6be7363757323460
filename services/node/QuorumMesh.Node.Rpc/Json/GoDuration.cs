using System.Globalization;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>Durations as Go writes them: <c>1m30s</c>, <c>300ms</c>, <c>1.634211ms</c>.</summary>
internal static class GoDuration
{
    private static readonly (string Unit, double Seconds)[] Units =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)];

    /// <exception cref="FormatException">With Go's text.</exception>
    public static TimeSpan Parse(string text)
    {
        var rest = text.AsSpan();
        if (rest is "0") return TimeSpan.Zero;
        if (rest.IsEmpty) throw Invalid(text);
        var seconds = 0.0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits < 0) throw new FormatException($"time: missing unit in duration {text}");
            if (!double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                throw Invalid(text);
            rest = rest[digits..];
            var letters = rest.IndexOfAny("0123456789.");
            var unit = letters < 0 ? rest : rest[..letters];
            seconds += number * SecondsOf(unit, text);
            rest = rest[unit.Length..];
        }
        return seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : throw Invalid(text);
    }

    public static string Format(TimeSpan time)
    {
        var (value, unit) = time.TotalSeconds >= 1 ? (time.TotalSeconds, "s") : time.TotalMilliseconds >= 1 ? (time.TotalMilliseconds, "ms")
            : (time.TotalMicroseconds, "µs");
        return value.ToString("0.######", CultureInfo.InvariantCulture) + unit;
    }

    private static double SecondsOf(ReadOnlySpan<char> unit, string text)
    {
        foreach (var (name, seconds) in Units)
            if (unit.SequenceEqual(name)) return seconds;
        throw new FormatException($"time: unknown unit {unit} in duration {text}");
    }

    private static FormatException Invalid(string text) => new($"time: invalid duration {text}");
}
