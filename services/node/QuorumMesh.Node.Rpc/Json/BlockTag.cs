using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

public enum BlockTagKind
{
    Number,
    Latest,

    /// <summary>Under Raft the same block as <see cref="Latest"/>.</summary>
    Pending,
    Hash,
}

/// <summary>
/// A block as a caller names it: number, <c>latest</c>, <c>pending</c>, <c>earliest</c>, a hash of 32 bytes, or (EIP-1898) an
/// object with number or hash.
/// </summary>
public readonly record struct BlockTag(BlockTagKind Kind, ulong Number, Hash256 BlockHash)
{
    private const int HashText = 2 + (2 * Hash256.Size);

    public static BlockTag Latest { get; } = new(BlockTagKind.Latest, 0, default);

    internal static BlockTag Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject) return ReadObject(ref reader);
        // As in geth no number is that long: leading zeros are refused.
        return reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length == HashText
            ? new BlockTag(BlockTagKind.Hash, 0, GoJson.Hash(ref reader)) : ReadNumber(ref reader);
    }

    /// <summary>Where a hash has no meaning: the ends of a range.</summary>
    internal static BlockTag ReadNumber(ref Utf8JsonReader reader)
    {
        var text = reader.TokenType is JsonTokenType.String or JsonTokenType.Number ? reader.ValueSpan : default;
        if (text.SequenceEqual("latest"u8) || text.SequenceEqual("safe"u8) || text.SequenceEqual("finalized"u8)) return Latest;
        if (text.SequenceEqual("pending"u8)) return new BlockTag(BlockTagKind.Pending, 0, default);
        if (text.SequenceEqual("earliest"u8)) return default;
        if (text.IsEmpty && reader.TokenType is not JsonTokenType.String) throw new FormatException("hex string without 0x prefix");
        var number = GoJson.BareQuantity(text);
        return number <= long.MaxValue ? new BlockTag(BlockTagKind.Number, number, default)
            : throw new FormatException("Blocknumber too high");
    }

    private static BlockTag ReadObject(ref Utf8JsonReader reader)
    {
        BlockTag? tag = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isNumber = reader.ValueTextEquals("blockNumber"u8);
            var isHash = reader.ValueTextEquals("blockHash"u8);
            var isCanonical = reader.ValueTextEquals("requireCanonical"u8);
            reader.Read();
            // Only canonical blocks are ever found by their hash, so that it asks for nothing more.
            if (isCanonical && reader.TokenType != JsonTokenType.Null) GoJson.Bool(ref reader);
            else if (isHash && tag is null && reader.TokenType == JsonTokenType.String)
                tag = new BlockTag(BlockTagKind.Hash, 0, GoJson.Hash(ref reader));
            else if (isNumber && tag is null && reader.TokenType == JsonTokenType.String) tag = ReadNumber(ref reader);
            else if ((isHash || isNumber) && tag is not null)
                throw new FormatException("cannot specify both BlockHash and BlockNumber, choose one or the other");
            else reader.Skip();
        }
        return tag ?? throw new FormatException("a block object needs blockNumber or blockHash");
    }
}
