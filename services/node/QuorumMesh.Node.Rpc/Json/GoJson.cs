using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>
/// JSON values as geth reads them, with geth's error texts (common/hexutil, encoding/json). Errors are
/// <see cref="FormatException"/>s.
/// </summary>
internal static class GoJson
{
    public static Address Address(ref Utf8JsonReader reader, string? field = null)
    {
        Span<byte> bytes = stackalloc byte[Primitives.Address.Size];
        Fixed(ref reader, bytes, new GoTarget(field, "common.Address"));
        return new Address(bytes);
    }

    public static Hash256 Hash(ref Utf8JsonReader reader, string? field = null)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        Fixed(ref reader, bytes, new GoTarget(field, "common.Hash"));
        return new Hash256(bytes);
    }

    public static byte[] Bytes(ref Utf8JsonReader reader, string? field = null)
    {
        var target = new GoTarget(field, "hexutil.Bytes");
        var digits = Digits(Text(ref reader, target), target);
        return Decode(digits, target);
    }

    public static ulong Quantity(ref Utf8JsonReader reader, string? field = null, string type = "hexutil.Uint64")
    {
        var target = new GoTarget(field, type);
        var text = Text(ref reader, target);
        return text.IsEmpty ? 0 : Quantity(text, what => target.Cannot(what));
    }

    /// <summary>A quantity outside of Go's type errors, as in block numbers.</summary>
    public static ulong BareQuantity(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) throw new FormatException("empty hex string");
        return Quantity(text, what => new FormatException(what));
    }

    public static UInt256 Big(ref Utf8JsonReader reader, string? field = null)
    {
        var target = new GoTarget(field, "hexutil.Big");
        var text = Text(ref reader, target);
        if (text.IsEmpty) return UInt256.Zero;
        var digits = NumberDigits(text, what => target.Cannot(what));
        if (digits.Length > 64) throw target.Cannot("hex number > 256 bits");
        Span<byte> even = stackalloc byte[64];
        even.Fill((byte)'0');
        digits.CopyTo(even[(64 - digits.Length)..]);
        return UInt256.FromBigEndian(Decode(even, target));
    }

    public static bool Bool(ref Utf8JsonReader reader, string? field = null) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw new GoTarget(field, "bool").Cannot(KindOf(reader)),
    };

    public static string String(ref Utf8JsonReader reader, string? field = null) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new GoTarget(field, "string").Cannot(KindOf(reader));

    /// <summary>A JSON number (not hex), as raft ids and durations are given.</summary>
    public static ulong Number(ref Utf8JsonReader reader, ulong max, string type, string? field = null)
    {
        var target = new GoTarget(field, type);
        if (reader.TokenType != JsonTokenType.Number) throw target.Cannot(KindOf(reader));
        return reader.TryGetUInt64(out var value) && value <= max ? value
            : throw target.Cannot($"number {Encoding.UTF8.GetString(reader.ValueSpan)}");
    }

    public static string KindOf(in Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        JsonTokenType.String => "string",
        JsonTokenType.Number => "number",
        JsonTokenType.True or JsonTokenType.False => "bool",
        _ => "null",
    };

    private static ReadOnlySpan<byte> Text(ref Utf8JsonReader reader, GoTarget target)
    {
        if (reader.TokenType != JsonTokenType.String) throw target.Cannot("non-string");
        return reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan;
    }

    private static void Fixed(ref Utf8JsonReader reader, scoped Span<byte> bytes, GoTarget target)
    {
        var digits = Digits(Text(ref reader, target), target);
        if (digits.Length != bytes.Length * 2)
            throw new FormatException($"hex string has length {digits.Length}, want {bytes.Length * 2} for {target.Type}");
        if (!TryDecode(digits, bytes)) throw target.Cannot("invalid hex string");
    }

    private static ReadOnlySpan<byte> Digits(ReadOnlySpan<byte> text, GoTarget target)
    {
        if (text.IsEmpty) return text;
        if (!HasPrefix(text)) throw target.Cannot("hex string without 0x prefix");
        return text.Length % 2 == 0 ? text[2..] : throw target.Cannot("hex string of odd length");
    }

    private static ulong Quantity(ReadOnlySpan<byte> text, Func<string, FormatException> fail)
    {
        var digits = NumberDigits(text, fail);
        if (digits.Length > 16) throw fail("hex number > 64 bits");
        return Utf8Parser.TryParse(digits, out ulong value, out var used, 'x') && used == digits.Length ? value
            : throw fail("invalid hex string");
    }

    private static ReadOnlySpan<byte> NumberDigits(ReadOnlySpan<byte> text, Func<string, FormatException> fail)
    {
        if (!HasPrefix(text)) throw fail("hex string without 0x prefix");
        var digits = text[2..];
        if (digits.IsEmpty) throw fail("hex string \"0x\"");
        return digits.Length > 1 && digits[0] == (byte)'0' ? throw fail("hex number with leading zero digits") : digits;
    }

    private static byte[] Decode(ReadOnlySpan<byte> digits, GoTarget target)
    {
        if (digits.IsEmpty) return [];
        var bytes = new byte[digits.Length / 2];
        return TryDecode(digits, bytes) ? bytes : throw target.Cannot("invalid hex string");
    }

    private static bool TryDecode(ReadOnlySpan<byte> digits, Span<byte> bytes) =>
        Convert.FromHexString(digits, bytes, out _, out var written) == System.Buffers.OperationStatus.Done && written == bytes.Length;

    private static bool HasPrefix(ReadOnlySpan<byte> text) => text.Length >= 2 && text[0] == (byte)'0' && text[1] is (byte)'x' or (byte)'X';
}
