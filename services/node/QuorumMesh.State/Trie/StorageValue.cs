using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>Leaf value of a storage trie: the RLP string of the big-endian value without leading zeros.</summary>
internal static class StorageValue
{
    public static byte[] Encode(in UInt256 value)
    {
        Span<byte> word = stackalloc byte[32];
        value.WriteBigEndian(word);
        var digits = word.TrimStart((byte)0);
        if (digits.Length == 1 && digits[0] < 0x80) return [digits[0]];
        var encoded = new byte[digits.Length + 1];
        encoded[0] = (byte)(0x80 + digits.Length);
        digits.CopyTo(encoded.AsSpan(1));
        return encoded;
    }
}
