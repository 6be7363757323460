using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace QuorumMesh.Primitives;

public static class Hex
{
    /// <summary>Lower-case digits, two a byte.</summary>
    public static string ToHex(ReadOnlySpan<byte> bytes, bool prefix = true)
    {
        string digits = Convert.ToHexStringLower(bytes);
        return prefix ? "0x" + digits : digits;
    }

    /// <summary>Reads an even number of hex digits, with or without 0x; "" and "0x" are empty.</summary>
    /// <exception cref="FormatException">An odd number of digits or another character.</exception>
    public static byte[] FromHex(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryFromHex(text, out byte[]? bytes)
            ? bytes
            : throw new FormatException("Expected an even number of hex digits, with or without 0x.");
    }

    public static bool TryFromHex(string? text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text is null) return false;
        ReadOnlySpan<char> digits = Digits(text);
        if ((digits.Length & 1) != 0) return false;
        byte[] result = new byte[digits.Length / 2];
        if (!TryDecode(digits, result)) return false;
        bytes = result;
        return true;
    }

    /// <summary>JSON-RPC quantity: 0x and no leading zeros; "0x0" for zero.</summary>
    public static string Quantity(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    internal static ReadOnlySpan<char> Digits(string text) =>
        text.Length > 1 && text[0] == '0' && text[1] is 'x' or 'X' ? text.AsSpan(2) : text;

    /// <summary>True when the text is exactly as many digits (with or without 0x) as fill the destination.</summary>
    internal static bool TryDecodeExact(string? text, Span<byte> destination)
    {
        if (text is null) return false;
        ReadOnlySpan<char> digits = Digits(text);
        return digits.Length == destination.Length * 2 && TryDecode(digits, destination);
    }

    private static bool TryDecode(ReadOnlySpan<char> digits, Span<byte> destination)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            int value = Nibble(digits[2 * i]) << 4 | Nibble(digits[2 * i + 1]);
            if (value < 0) return false;
            destination[i] = (byte)value;
        }

        return true;
    }

    /// <summary>0..15, or -1 for another character.</summary>
    internal static int Nibble(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => -1,
    };
}
