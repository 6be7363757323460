using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>EIP-7702's authorisation list, with the names that geth gives its fields.</summary>
internal static class AuthorizationJson
{
    private const int MaxTuples = 1_000;

    public static void WriteList(Utf8JsonWriter json, IReadOnlyList<Authorization> list)
    {
        json.WriteStartArray("authorizationList"u8);
        foreach (var authorization in list)
        {
            json.WriteStartObject();
            json.Quantity("chainId"u8, authorization.ChainId);
            json.Value("address"u8, authorization.Address);
            json.Quantity("nonce"u8, authorization.Nonce);
            json.Quantity("yParity"u8, (ulong)authorization.YParity);
            json.Quantity("r"u8, authorization.R);
            json.Quantity("s"u8, authorization.S);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public static List<Authorization> ReadList(ref Utf8JsonReader reader, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new GoTarget(field, "[]types.SetCodeAuthorization").Cannot(GoJson.KindOf(reader));
        var list = new List<Authorization>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (list.Count >= MaxTuples) throw new FormatException($"authorizationList has more than {MaxTuples} tuples");
            list.Add(ReadTuple(ref reader, field));
        }
        return list;
    }

    private static Authorization ReadTuple(ref Utf8JsonReader reader, string of)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("types.SetCodeAuthorization").Cannot(GoJson.KindOf(reader));
        var tuple = new Authorization(default, default, 0, 0, default, default);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = FieldName.Of(ref reader);
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) continue;
            switch (name)
            {
                case "chainId": tuple = tuple with { ChainId = GoJson.Big(ref reader, of + ".chainId") }; break;
                case "address": tuple = tuple with { Address = GoJson.Address(ref reader, of + ".address") }; break;
                case "nonce": tuple = tuple with { Nonce = GoJson.Quantity(ref reader, of + ".nonce") }; break;
                case "yParity": tuple = tuple with { YParity = Parity(GoJson.Quantity(ref reader, of + ".yParity")) }; break;
                case "r": tuple = tuple with { R = GoJson.Big(ref reader, of + ".r") }; break;
                case "s": tuple = tuple with { S = GoJson.Big(ref reader, of + ".s") }; break;
                default: reader.Skip(); break;
            }
        }
        return tuple;
    }

    private static byte Parity(ulong value) =>
        value <= byte.MaxValue ? (byte)value : throw new FormatException("the yParity of an authorization does not fit 8 bits");
}
