using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Evm;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>Which logs a caller wants.</summary>
/// <param name="From">Null is latest.</param>
/// <param name="To">Null is latest.</param>
/// <param name="Block">One block instead of a range.</param>
/// <param name="Addresses">Empty is any.</param>
/// <param name="Topics">By position, alternatives each; an empty position matches anything, but must be there.</param>
internal sealed record LogCriteria(BlockTag? From, BlockTag? To, Hash256? Block, IReadOnlyList<Address> Addresses,
    IReadOnlyList<IReadOnlyList<Hash256>> Topics)
{
    private const int MaxAlternatives = 1_000;
    private const int MaxPositions = 16;

    public static LogCriteria Everything { get; } = new(null, null, null, [], []);

    public static LogCriteria Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("filters.input").Cannot(GoJson.KindOf(reader));
        var result = Everything;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = FieldName.Of(ref reader);
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) continue;
            switch (name)
            {
                case "fromBlock": result = result with { From = BlockTag.ReadNumber(ref reader) }; break;
                case "toBlock": result = result with { To = BlockTag.ReadNumber(ref reader) }; break;
                case "blockHash": result = result with { Block = GoJson.Hash(ref reader, "input.blockHash") }; break;
                case "address": result = result with { Addresses = ReadAddresses(ref reader) }; break;
                case "topics": result = result with { Topics = ReadTopics(ref reader) }; break;
                default: reader.Skip(); break;
            }
        }
        if (result.Block is not null && (result.From ?? result.To) is not null)
            throw new FormatException("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other");
        return result;
    }

    public bool Matches(LogEntry log)
    {
        if (Addresses.Count > 0 && !Addresses.Contains(log.Address)) return false;
        if (Topics.Count > log.Topics.Length) return false;
        for (var i = 0; i < Topics.Count; i++)
            if (Topics[i].Count > 0 && !Topics[i].Contains(log.Topics[i]))
                return false;
        return true;
    }

    /// <summary>False means that no log under this bloom matches.</summary>
    public bool MayMatch(Bloom bloom)
    {
        if (Addresses.Count > 0 && !Addresses.Any(a => bloom.Contains(a))) return false;
        foreach (var alternatives in Topics)
            if (alternatives.Count > 0 && !alternatives.Any(t => bloom.Contains(t)))
                return false;
        return true;
    }

    /// <summary>Whether a new block is in the asked range.</summary>
    public bool Covers(ulong number) =>
        (From is not { Kind: BlockTagKind.Number } from || number >= from.Number)
            && (To is not { Kind: BlockTagKind.Number } to || number <= to.Number);

    private static List<Address> ReadAddresses(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String) return [new Address(Fixed(ref reader, Address.Size, "address"))];
        if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("invalid addresses in query");
        var addresses = new List<Address>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String) throw new FormatException($"non-string address at index {addresses.Count}");
            if (addresses.Count >= MaxAlternatives) throw new FormatException($"more than {MaxAlternatives} addresses");
            addresses.Add(new Address(Fixed(ref reader, Address.Size, "address")));
        }
        return addresses;
    }

    private static List<IReadOnlyList<Hash256>> ReadTopics(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new GoTarget("input.topics", "[]interface {}").Cannot(GoJson.KindOf(reader));
        var topics = new List<IReadOnlyList<Hash256>>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (topics.Count >= MaxPositions) throw new FormatException($"more than {MaxPositions} topic positions");
            topics.Add(ReadAlternatives(ref reader));
        }
        return topics;
    }

    /// <summary>A null among the alternatives makes the whole position match anything, as in geth.</summary>
    private static List<Hash256> ReadAlternatives(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null) return [];
        if (reader.TokenType == JsonTokenType.String) return [new Hash256(Fixed(ref reader, Hash256.Size, "topic"))];
        if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("invalid topic(s)");
        var (alternatives, any) = (new List<Hash256>(), false);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (alternatives.Count >= MaxAlternatives) throw new FormatException($"more than {MaxAlternatives} topics at one position");
            if (reader.TokenType == JsonTokenType.Null) any = true;
            else if (reader.TokenType == JsonTokenType.String) alternatives.Add(new Hash256(Fixed(ref reader, Hash256.Size, "topic")));
            else throw new FormatException("invalid topic(s)");
        }
        return any ? [] : alternatives;
    }

    private static byte[] Fixed(ref Utf8JsonReader reader, int size, string what)
    {
        var text = reader.GetString()!;
        if (!text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            throw new FormatException(text.Length == 0 ? "empty hex string" : "hex string without 0x prefix");
        if (!Hex.TryFromHex(text, out var bytes))
            throw new FormatException(text.Length % 2 == 1 ? "hex string of odd length" : "invalid hex string");
        return bytes.Length == size ? bytes
            : throw new FormatException($"hex has invalid length {bytes.Length} after decoding; expected {size} for {what}");
    }
}
