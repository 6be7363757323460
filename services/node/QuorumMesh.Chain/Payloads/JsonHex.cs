using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Payloads;

/// <summary>
/// Hex texts of a transaction's JSON, with the rules of go-ethereum's common/hexutil: a prefix of either case, no escapes, an empty text
/// for zero, no leading zeros in numbers. Errors are <see cref="FormatException"/>s that name the field.
/// </summary>
internal static class JsonHex
{
    /// <summary>At most 64 bits.</summary>
    public static ulong Quantity(ref Utf8JsonReader reader, string field)
    {
        var digits = Digits(ref reader, field);
        if (digits.IsEmpty) return 0;
        return digits.Length <= 16 && Utf8Parser.TryParse(digits, out ulong value, out var used, 'x') && used == digits.Length ? value
            : throw Bad(field);
    }

    /// <summary>At most 256 bits.</summary>
    public static UInt256 Big(ref Utf8JsonReader reader, string field)
    {
        var digits = Digits(ref reader, field);
        if (digits.Length > 2 * 32) throw Bad(field);
        Span<byte> even = stackalloc byte[2 * 32];
        even.Fill((byte)'0');
        digits.CopyTo(even[(even.Length - digits.Length)..]);
        return UInt256.FromBigEndian(Decode(even, field));
    }

    public static byte[] Bytes(ref Utf8JsonReader reader, string field)
    {
        var text = Text(ref reader, field);
        return text.IsEmpty ? [] : Decode(WithoutPrefix(text, field), field);
    }

    /// <summary>Exactly so many bytes.</summary>
    public static byte[] Fixed(ref Utf8JsonReader reader, string field, int size)
    {
        var bytes = Bytes(ref reader, field);
        return bytes.Length == size ? bytes : throw Bad(field);
    }

    private static ReadOnlySpan<byte> Digits(ref Utf8JsonReader reader, string field)
    {
        var text = Text(ref reader, field);
        if (text.IsEmpty) return text;
        var digits = WithoutPrefix(text, field);
        return digits.IsEmpty || (digits.Length > 1 && digits[0] == (byte)'0') ? throw Bad(field) : digits;
    }

    /// <summary>As it stands between the quotes: go-ethereum looks at the text before its escapes are resolved.</summary>
    private static ReadOnlySpan<byte> Text(ref Utf8JsonReader reader, string field) =>
        reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped ? reader.ValueSpan : throw Bad(field);

    private static ReadOnlySpan<byte> WithoutPrefix(ReadOnlySpan<byte> text, string field) =>
        text.Length >= 2 && text[0] == (byte)'0' && text[1] is (byte)'x' or (byte)'X' ? text[2..] : throw Bad(field);

    private static byte[] Decode(ReadOnlySpan<byte> digits, string field)
    {
        var bytes = new byte[digits.Length / 2];
        return digits.Length % 2 == 0
            && Convert.FromHexString(digits, bytes, out _, out var written) == OperationStatus.Done && written == bytes.Length ? bytes
            : throw Bad(field);
    }

    private static FormatException Bad(string field) => new($"field '{field}' is no hex value of its kind");
}
