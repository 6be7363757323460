using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace QuorumMesh.Primitives;

public readonly partial struct UInt256
{
    // The longest decimal form of a 256-bit number has 78 digits.
    private const int MaxDecimalDigits = 78;
    private const ulong TenTo19 = 10_000_000_000_000_000_000;

    /// <summary>Reads decimal digits, or hex digits after 0x (at most 64 of them after leading zeros).</summary>
    /// <exception cref="FormatException">Neither form, or more than 256 bits.</exception>
    public static UInt256 Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out UInt256 value)
            ? value
            : throw new FormatException("Expected a number of at most 256 bits, in decimal or in hex with 0x.");
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out UInt256 value)
    {
        value = default;
        if (string.IsNullOrEmpty(text)) return false;
        return text.Length > 1 && text[0] == '0' && text[1] is 'x' or 'X'
            ? TryParseHex(text.AsSpan(2), out value)
            : TryParseDecimal(text, out value);
    }

    private static bool TryParseHex(ReadOnlySpan<char> digits, out UInt256 value)
    {
        value = default;
        if (digits.IsEmpty) return false;
        digits = digits.TrimStart('0');
        if (digits.Length > 64) return false;
        UInt256 result = default;
        foreach (char c in digits)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
            result = result << 4 | new UInt256((ulong)Hex.Nibble(c));
        }

        value = result;
        return true;
    }

    private static bool TryParseDecimal(ReadOnlySpan<char> digits, out UInt256 value)
    {
        value = default;
        digits = digits.Length > 1 ? digits[..^1].TrimStart('0').IsEmpty ? digits[^1..] : digits.TrimStart('0') : digits;
        if (digits.Length > MaxDecimalDigits) return false;
        UInt256 result = default;
        foreach (char c in digits)
        {
            if (!char.IsAsciiDigit(c)) return false;
            if (MultiplyOverflow(result, 10, out result) || AddOverflow(result, (ulong)(c - '0'), out result)) return false;
        }

        value = result;
        return true;
    }

    /// <summary>Decimal.</summary>
    public override string ToString()
    {
        if (IsUInt64) return U0.ToString(CultureInfo.InvariantCulture);
        Span<char> buffer = stackalloc char[MaxDecimalDigits + 19];
        int start = buffer.Length;
        UInt256 rest = this;
        while (!rest.IsZero)
        {
            DivRem(rest, TenTo19, out rest, out UInt256 group);
            ulong g = group.U0;
            for (int i = 0; i < 19 && (g != 0 || !rest.IsZero); i++)
            {
                buffer[--start] = (char)('0' + g % 10);
                g /= 10;
            }
        }

        return new string(buffer[start..]);
    }

    /// <summary>JSON-RPC quantity: 0x and no leading zeros; "0x0" for zero.</summary>
    public string ToHexString()
    {
        if (IsUInt64) return Hex.Quantity(U0);
        Span<byte> bytes = stackalloc byte[Size];
        WriteBigEndian(bytes);
        string digits = Hex.ToHex(bytes, prefix: false).TrimStart('0');
        return "0x" + digits;
    }
}
