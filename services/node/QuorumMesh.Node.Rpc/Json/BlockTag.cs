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

/// <summary>A block as a caller names it: number, <c>latest</c>, <c>pending</c>, <c>earliest</c>, or (EIP-1898) an object with number or hash.</summary>
public readonly record struct BlockTag(BlockTagKind Kind, ulong Number, Hash256 BlockHash)
{
    public static BlockTag Latest { get; } = new(BlockTagKind.Latest, 0, default);

    internal static BlockTag Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject) return ReadObject(ref reader);
        var text = reader.TokenType is JsonTokenType.String or JsonTokenType.Number ? reader.ValueSpan : default;
        if (text.SequenceEqual("latest"u8) || text.SequenceEqual("safe"u8) || text.SequenceEqual("finalized"u8)) return Latest;
        if (text.SequenceEqual("pending"u8)) return new BlockTag(BlockTagKind.Pending, 0, default);
        if (text.SequenceEqual("earliest"u8)) return default;
        if (text.IsEmpty && reader.TokenType is not JsonTokenType.String) throw new FormatException("hex string without 0x prefix");
        var number = GoJson.BareQuantity(text);
        return number <= long.MaxValue ? new BlockTag(BlockTagKind.Number, number, default) : throw new FormatException("Blocknumber too high");
    }

    private static BlockTag ReadObject(ref Utf8JsonReader reader)
    {
        BlockTag? tag = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isNumber = reader.ValueTextEquals("blockNumber"u8);
            var isHash = reader.ValueTextEquals("blockHash"u8);
            reader.Read();
            if (isHash && tag is null && reader.TokenType == JsonTokenType.String) tag = new BlockTag(BlockTagKind.Hash, 0, GoJson.Hash(ref reader));
            else if (isNumber && tag is null && reader.TokenType == JsonTokenType.String) tag = Read(ref reader);
            else if ((isHash || isNumber) && tag is not null) throw new FormatException("cannot specify both BlockHash and BlockNumber, choose one or the other");
            else reader.Skip();
        }
        return tag ?? throw new FormatException("a block object needs blockNumber or blockHash");
    }
}
