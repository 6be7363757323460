using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Payloads;

/// <summary>
/// A private transaction as JSON text, as the payload of a privacy marker carries it (24:core/types/transaction_marshalling.go). Read as
/// Go's encoding/json reads it: what it takes and what it refuses decides which parties run the transaction.
/// </summary>
public static class TransactionText
{
    /// <summary>encoding/json's own.</summary>
    private const int MaxDepth = 10_000;

    /// <summary>GoQuorum's bytes for a legacy transaction, without the line end that only its own markers have.</summary>
    public static byte[] Encode(Transaction tx)
    {
        if (tx.Type != TransactionType.Legacy) throw new ArgumentException("a private transaction is always a legacy one", nameof(tx));
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "0x0"u8);
            json.WriteString("nonce"u8, Hex.Quantity(tx.Nonce));
            json.WriteString("gasPrice"u8, tx.GasPrice.ToHexString());
            json.WriteString("gas"u8, Hex.Quantity(tx.GasLimit));
            json.WriteString("value"u8, tx.Value.ToHexString());
            json.WriteString("input"u8, Hex.ToHex(tx.Data));
            json.WriteString("v"u8, tx.V.ToHexString());
            json.WriteString("r"u8, tx.R.ToHexString());
            json.WriteString("s"u8, tx.S.ToHexString());
            if (tx.To is { } to) json.WriteString("to"u8, to.ToString());
            else json.WriteNull("to"u8);
            json.WriteString("hash"u8, tx.Hash.ToString());
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>Reads the first JSON value; what follows it is not looked at, as GoQuorum's decoder does not.</summary>
    /// <exception cref="FormatException">GoQuorum reads no legacy transaction from it.</exception>
    public static Transaction Decode(ReadOnlySpan<byte> text)
    {
        try
        {
            var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MaxDepth });
            var fields = new Fields();
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) throw new FormatException("it is no JSON object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) fields.Read(NameOf(ref reader), ref reader);
            return fields.ToTransaction();
        }
        catch (JsonException)
        {
            // The parser's own words quote the payload.
            throw new FormatException("it is no JSON");
        }
    }

    /// <summary>
    /// Go takes names in any case, where the long s and the Kelvin sign count as the letters that they fold to. Empty for one that is none
    /// of these.
    /// </summary>
    private static string NameOf(ref Utf8JsonReader reader)
    {
        string name;
        try
        {
            name = reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            name = "";
        }
        reader.Read();
        return string.Create(name.Length, name, static (folded, given) =>
        {
            for (var i = 0; i < folded.Length; i++)
                folded[i] = given[i] switch
                {
                    '\u017f' => 's',
                    '\u212a' => 'k',
                    >= 'A' and <= 'Z' => (char)(given[i] | 0x20),
                    _ => given[i],
                };
        });
    }

    /// <summary>The last of each name counts. A null takes one back that may be absent.</summary>
    private struct Fields
    {
        private ulong _type;
        private ulong? _nonce;
        private ulong? _gas;
        private UInt256? _gasPrice;
        private UInt256? _value;
        private UInt256? _v;
        private UInt256? _r;
        private UInt256? _s;
        private byte[]? _input;
        private Address? _to;

        public void Read(string name, ref Utf8JsonReader reader)
        {
            switch (name)
            {
                case "type": _type = JsonHex.Quantity(ref reader, name); break;
                case "nonce": _nonce = OrNull(ref reader) ? null : JsonHex.Quantity(ref reader, name); break;
                case "gas": _gas = OrNull(ref reader) ? null : JsonHex.Quantity(ref reader, name); break;
                case "gasprice": _gasPrice = OrNull(ref reader) ? null : JsonHex.Big(ref reader, name); break;
                case "value": _value = OrNull(ref reader) ? null : JsonHex.Big(ref reader, name); break;
                case "v": _v = OrNull(ref reader) ? null : JsonHex.Big(ref reader, name); break;
                case "r": _r = OrNull(ref reader) ? null : JsonHex.Big(ref reader, name); break;
                case "s": _s = OrNull(ref reader) ? null : JsonHex.Big(ref reader, name); break;
                case "input": _input = OrNull(ref reader) ? null : JsonHex.Bytes(ref reader, name); break;
                case "to": _to = OrNull(ref reader) ? null : new Address(JsonHex.Fixed(ref reader, name, Address.Size)); break;
                case "hash": JsonHex.Fixed(ref reader, name, Hash256.Size); break;
                // Of no meaning in a legacy transaction, but what cannot be read spoils the whole.
                case "chainid": if (!OrNull(ref reader)) JsonHex.Big(ref reader, name); break;
                case "accesslist": CheckAccessList(ref reader); break;
                default: reader.Skip(); break;
            }
        }

        public readonly Transaction ToTransaction()
        {
            if (_type != 0) throw new FormatException($"it is a transaction of type {_type}, not a legacy one");
            return new Transaction
            {
                Nonce = _nonce ?? throw Missing("nonce"),
                GasPrice = _gasPrice ?? throw Missing("gasPrice"),
                GasLimit = _gas ?? throw Missing("gas"),
                Value = _value ?? throw Missing("value"),
                Data = _input ?? throw Missing("input"),
                V = _v ?? throw Missing("v"),
                R = _r ?? throw Missing("r"),
                S = _s ?? throw Missing("s"),
                To = _to,
            };
        }

        private static bool OrNull(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Null;

        private static FormatException Missing(string name) => new($"missing required field '{name}' in transaction");

        private static void CheckAccessList(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.Null) return;
            if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("accessList is no array");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) CheckAccess(ref reader);
        }

        private static void CheckAccess(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartObject) throw new FormatException("accessList holds what is no object");
            var (hasAddress, hasKeys) = (false, false);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = NameOf(ref reader);
                if (name == "address" && (hasAddress = !OrNull(ref reader))) JsonHex.Fixed(ref reader, name, Address.Size);
                else if (name == "storagekeys" && (hasKeys = !OrNull(ref reader))) CheckKeys(ref reader);
                else reader.Skip();
            }
            if (!hasAddress || !hasKeys) throw new FormatException("accessList holds an entry without address or storageKeys");
        }

        private static void CheckKeys(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("storageKeys is no array");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                JsonHex.Fixed(ref reader, "storageKeys", Hash256.Size);
        }
    }
}
