using System.Text;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Extension;

/// <summary>
/// The few forms of the contract ABI that a management contract uses: addresses, numbers, truth values and texts. Reading takes what Go's
/// decoder takes (24:accounts/abi/unpack.go): padding is not looked at, offsets and lengths stay within the data.
/// </summary>
internal static class AbiData
{
    private const int Word = Hash256.Size;

    /// <summary>The arguments behind a selector or code: <see cref="Address"/>, <see cref="bool"/>, <see cref="ulong"/> or text.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> head, params ReadOnlySpan<object> values)
    {
        var (words, tail) = (new List<byte>(), new List<byte>());
        foreach (var value in values)
        {
            if (value is not string text)
            {
                words.AddRange(WordOf(value).ToBigEndian());
                continue;
            }
            words.AddRange(((UInt256)(ulong)((values.Length * Word) + tail.Count)).ToBigEndian());
            AddText(tail, Encoding.UTF8.GetBytes(text));
        }
        return [.. head, .. words, .. tail];
    }

    public static bool TryReadAddress(ReadOnlySpan<byte> data, int place, out Address address)
    {
        address = default;
        if (data.Length < (place + 1) * Word) return false;
        address = new Address(data.Slice((place * Word) + Word - Address.Size, Address.Size));
        return true;
    }

    public static bool TryReadText(ReadOnlySpan<byte> data, int place, out string text)
    {
        text = "";
        if (!TryReadNumber(data, place * Word, out var offset) || !TryReadNumber(data, offset, out var length)) return false;
        if (length > data.Length - offset - Word) return false;
        text = Encoding.UTF8.GetString(data.Slice(offset + Word, length));
        return true;
    }

    /// <returns>False for one that is no place in the data.</returns>
    private static bool TryReadNumber(ReadOnlySpan<byte> data, int at, out int number)
    {
        number = 0;
        if (at > data.Length - Word) return false;
        var word = UInt256.FromBigEndian(data.Slice(at, Word));
        if (word > (UInt256)(ulong)data.Length) return false;
        number = (int)(ulong)word;
        return true;
    }

    private static UInt256 WordOf(object value) => value switch
    {
        Address address => address.ToWord(),
        bool flag => flag ? UInt256.One : UInt256.Zero,
        ulong number => number,
        _ => throw new ArgumentException($"{value.GetType().Name} has no form here", nameof(value)),
    };

    private static void AddText(List<byte> tail, byte[] text)
    {
        tail.AddRange(((UInt256)(ulong)text.Length).ToBigEndian());
        tail.AddRange(text);
        tail.AddRange(new byte[(Word - (text.Length % Word)) % Word]);
    }
}
