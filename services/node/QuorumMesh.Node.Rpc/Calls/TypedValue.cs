using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Solidity's own types in EIP-712's encodeData. Integers come as JSON numbers or as texts, decimal or 0x hex; bytes and
/// addresses as 0x hex.
/// </summary>
internal static class TypedValue
{
    private const int WordSize = 32;

    /// <summary>More digits than any number of 256 bits has.</summary>
    private const int MaxDigits = 80;

    /// <param name="word">32 bytes, all zero.</param>
    /// <exception cref="FormatException">The value is not of the type.</exception>
    public static void Encode(string type, JsonElement value, string path, Span<byte> word)
    {
        switch (type)
        {
            case "string" when value.ValueKind == JsonValueKind.String:
                Keccak.Hash(Encoding.UTF8.GetBytes(value.GetString()!)).CopyTo(word);
                break;
            case "bytes":
                Keccak.Hash(Bytes(type, value, path)).CopyTo(word);
                break;
            case "bool" when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                word[^1] = value.GetBoolean() ? (byte)1 : (byte)0;
                break;
            case "address":
                Fixed(type, Bytes(type, value, path), Address.Size, path).CopyTo(word[(WordSize - Address.Size)..]);
                break;
            case "string" or "bool":
                throw Wrong(type, path);
            default:
                if (TypedDataTypes.SizeOf(type, "bytes") is var size and > 0)
                    Fixed(type, Bytes(type, value, path), size, path).CopyTo(word);
                else Integer(type, value, path, word);
                break;
        }
    }

    private static void Integer(string type, JsonElement value, string path, Span<byte> word)
    {
        var isUnsigned = type[0] == 'u';
        var bits = TypedDataTypes.BitsOf(isUnsigned ? type[1..] : type);
        var number = Number(type, value, path);
        var least = isUnsigned ? BigInteger.Zero : -BigInteger.Pow(2, bits - 1);
        var beyond = BigInteger.Pow(2, isUnsigned ? bits : bits - 1);
        if (number < least || number >= beyond) throw new FormatException($"{path}: {number} does not fit {type}");
        if (number.Sign < 0) word.Fill(0xff);
        var length = number.GetByteCount(isUnsigned);
        number.TryWriteBytes(word[(WordSize - length)..], out _, isUnsigned, isBigEndian: true);
    }

    private static BigInteger Number(string type, JsonElement value, string path)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.String => value.GetString()!,
            _ => throw Wrong(type, path),
        };
        if (text.Length is 0 or > MaxDigits) throw Wrong(type, path);
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        // The zero in front keeps a first digit from being a sign.
        return BigInteger.TryParse(isHex ? "0" + text[2..] : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out var number) && (!isHex || text.Length > 2)
            ? number
            : throw Wrong(type, path);
    }

    private static byte[] Bytes(string type, JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.String && value.GetString()! is var text
            && text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && Hex.TryFromHex(text, out var bytes)
            ? bytes
            : throw Wrong(type, path);

    private static byte[] Fixed(string type, byte[] bytes, int size, string path) =>
        bytes.Length == size ? bytes : throw new FormatException($"{path} has {bytes.Length} bytes; {type} has {size}");

    private static FormatException Wrong(string type, string path) => new($"{path} is no {type}");
}
