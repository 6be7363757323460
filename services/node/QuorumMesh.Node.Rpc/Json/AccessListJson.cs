using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>EIP-2930's access list as callers give it.</summary>
internal static class AccessListJson
{
    private const int MaxEntries = 10_000;

    public static void WriteList(Utf8JsonWriter json, IReadOnlyList<AccessListEntry> list)
    {
        json.WriteStartArray("accessList"u8);
        foreach (var entry in list)
        {
            json.WriteStartObject();
            json.Value("address"u8, entry.Address);
            json.WriteStartArray("storageKeys"u8);
            foreach (var key in entry.StorageKeys) json.Value(Hash256.FromWord(key));
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public static List<AccessListEntry> ReadList(ref Utf8JsonReader reader, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw new GoTarget(field, "types.AccessList").Cannot(GoJson.KindOf(reader));
        var list = new List<AccessListEntry>();
        var left = MaxEntries;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Count(ref left);
            list.Add(ReadEntry(ref reader, ref left));
        }
        return list;
    }

    private static AccessListEntry ReadEntry(ref Utf8JsonReader reader, ref int left)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new GoTarget("types.AccessTuple").Cannot(GoJson.KindOf(reader));
        Address? address = null;
        List<UInt256> keys = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = FieldName.Of(ref reader);
            reader.Read();
            if (name == "address") address = GoJson.Address(ref reader, "AccessTuple.address");
            else if (name == "storageKeys" && reader.TokenType != JsonTokenType.Null) keys = ReadKeys(ref reader, ref left);
            else reader.Skip();
        }
        return new AccessListEntry(address ?? throw new FormatException("missing required field 'address' for AccessTuple"), keys);
    }

    private static List<UInt256> ReadKeys(ref Utf8JsonReader reader, ref int left)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new GoTarget("AccessTuple.storageKeys", "[]common.Hash").Cannot(GoJson.KindOf(reader));
        var keys = new List<UInt256>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Count(ref left);
            keys.Add(GoJson.Hash(ref reader, "AccessTuple.storageKeys").ToWord());
        }
        return keys;
    }

    private static void Count(ref int left)
    {
        if (left-- == 0) throw new FormatException($"accessList has more than {MaxEntries} addresses and slots");
    }
}
