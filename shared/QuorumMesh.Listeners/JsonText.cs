using System.Globalization;
using System.Text.Unicode;

namespace QuorumMesh.Listeners;

/// <summary>
/// JSON that is well formed may still hold what is no text: bytes that are not UTF-8, or half of a surrogate pair as an escape. The reader
/// throws only when such a string is fetched, wherever that is; so it is refused before anything is read.
/// </summary>
public static class JsonText
{
    private const int EscapeLength = 6; // \uXXXX
    private const string Half = "a \\u escape is half of a surrogate pair";

    /// <summary>Why strings of the message cannot be read; null when all can. What else is wrong with it is the parser's to say.</summary>
    public static string? Refuse(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message)) return "the message is not UTF-8";
        for (var rest = message; rest.IndexOf((byte)'\\') is >= 0 and var at;)
        {
            rest = rest[at..];
            if (IsLow(rest)) return Half;
            if (!IsHigh(rest)) rest = rest[Math.Min(2, rest.Length)..];
            else if (IsLow(rest[EscapeLength..])) rest = rest[(2 * EscapeLength)..];
            else return Half;
        }
        return null;
    }

    private static bool IsHigh(ReadOnlySpan<byte> text) => Unit(text) is >= 0xd800 and < 0xdc00;

    private static bool IsLow(ReadOnlySpan<byte> text) => Unit(text) is >= 0xdc00 and < 0xe000;

    /// <summary>The UTF-16 unit of an escape that the text begins with; 0 when there is none.</summary>
    private static ushort Unit(ReadOnlySpan<byte> text) =>
        text.Length >= EscapeLength && text.StartsWith("\\u"u8)
            && ushort.TryParse(text[2..EscapeLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
            ? unit : (ushort)0;
}
