using System.Buffers;
using System.Buffers.Binary;
using System.Formats.Cbor;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>
/// Tessera's CBOR form of an <see cref="EncodedPayload"/>, of API 5.0 and later (tessera 3.3): one map with eleven text keys. Writing keeps
/// their order; reading takes any, and passes over plain values under keys that it does not know.
/// </summary>
public static class CborPayloadCodec
{
    /// <summary>A map of eleven pairs.</summary>
    private const byte Begin = 0xab;

    private const int MaxNonce = 64;
    private const int MaxBox = 1024;
    private const int MaxMetadata = 65_536;

    /// <summary>Whether bytes begin as this form does, a map of eleven; LEGACY begins with the high bytes of a length.</summary>
    public static bool Begins(ReadOnlySpan<byte> data) => data is [Begin, ..];

    /// <summary>All eleven keys, heads in their shortest form.</summary>
    public static byte[] Encode(EncodedPayload payload) => EncodeShared(payload).ToArray();

    /// <summary>The same bytes, with the payload's own ciphertext in the middle: of many recipients each form is short.</summary>
    public static ReadOnlySequence<byte> EncodeShared(EncodedPayload payload)
    {
        var head = new CborWriter(CborConformanceMode.Lax, allowMultipleRootLevelValues: true);
        Write(head, "sender", payload.SenderKey.Span);
        head.WriteTextString("cipherText");
        var tail = new CborWriter(CborConformanceMode.Lax, allowMultipleRootLevelValues: true);
        WriteTail(tail, payload);
        byte[] begin = [Begin, .. head.Encode(), .. HeadOfBytes(payload.CipherText.Length)];
        return PayloadSegment.Join(begin, payload.CipherText, tail.Encode());
    }

    /// <summary>RFC 8949, section 3: major type 2 with its length, as short as it can be.</summary>
    private static byte[] HeadOfBytes(int length)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, length);
        return length switch
        {
            < 24 => [(byte)(0x40 + length)],
            < 0x100 => [0x58, .. number[3..]],
            < 0x1_0000 => [0x59, .. number[2..]],
            _ => [0x5a, .. number],
        };
    }

    private static void WriteTail(CborWriter writer, EncodedPayload payload)
    {
        Write(writer, "nonce", payload.CipherTextNonce);
        Write(writer, "recipientNonce", payload.RecipientNonce);
        writer.WriteTextString("recipientBoxes");
        writer.WriteStartArray(payload.RecipientBoxes.Count);
        foreach (byte[] box in payload.RecipientBoxes)
        {
            writer.WriteByteString(box);
        }

        writer.WriteEndArray();
        Write(writer, "recipients", payload.RecipientKeys);
        writer.WriteTextString("privacyFlag");
        writer.WriteInt32((int)payload.PrivacyMode);
        writer.WriteTextString("affected");
        writer.WriteStartMap(payload.AffectedTransactions.Count);
        foreach (AffectedTransaction affected in payload.AffectedTransactions)
        {
            writer.WriteTextString(affected.Hash.ToBase64());
            writer.WriteByteString(affected.SecurityHash);
        }

        writer.WriteEndMap();
        Write(writer, "execHash", payload.ExecutionHash);
        Write(writer, "mandatoryFor", payload.MandatoryRecipients);
        Write(writer, "privacyGroupId", payload.PrivacyGroupId ?? []);
    }

    /// <exception cref="WireFormatException">The bytes are not a payload; the message says where and why.</exception>
    public static EncodedPayload Decode(ReadOnlyMemory<byte> data)
    {
        var reader = new CborReader(data, CborConformanceMode.Lax);
        try
        {
            var fields = new Fields();
            reader.ReadStartMap();
            while (reader.PeekState() != CborReaderState.EndMap)
            {
                ReadMember(reader, fields);
            }

            reader.ReadEndMap();
            return reader.BytesRemaining == 0 ? fields.ToPayload() : throw new CborContentException("bytes follow the payload");
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException or FormatException
            and not WireFormatException)
        {
            throw new WireFormatException($"not a CBOR payload: {e.Message}", data.Length - reader.BytesRemaining);
        }
    }

    private static void ReadMember(CborReader reader, Fields fields)
    {
        string name = reader.ReadTextString();
        if (!fields.Seen.Add(name))
        {
            throw new CborContentException("a key comes twice");
        }

        switch (name)
        {
            case "sender":
                fields.Sender = ReadKey(reader);
                break;
            case "cipherText":
                fields.CipherText = reader.ReadByteString();
                break;
            case "nonce":
                fields.Nonce = Bytes(reader, name, MaxNonce);
                break;
            case "recipientNonce":
                fields.RecipientNonce = Bytes(reader, name, MaxNonce);
                break;
            case "recipientBoxes":
                fields.Boxes = List(reader, r => Bytes(r, name, MaxBox));
                break;
            case "recipients":
                fields.Recipients = List(reader, ReadKey);
                break;
            case "privacyFlag":
                fields.Mode = ReadMode(reader);
                break;
            case "affected":
                fields.Affected = ReadAffected(reader);
                break;
            case "execHash":
                fields.ExecutionHash = Bytes(reader, name, MaxMetadata);
                break;
            case "mandatoryFor":
                fields.Mandatory = List(reader, ReadKey);
                break;
            case "privacyGroupId":
                fields.GroupId = Bytes(reader, name, MaxMetadata);
                break;
            default:
                Require(fields.Seen.Count < 64, "too many unknown keys");
                // Of nested values each level would cost more memory than the byte that opens it.
                Require(reader.PeekState() is not (CborReaderState.StartArray or CborReaderState.StartMap or CborReaderState.Tag),
                    "an unknown key with a nested value");
                reader.SkipValue();
                break;
        }
    }

    private static List<AffectedTransaction> ReadAffected(CborReader reader)
    {
        var affected = new List<AffectedTransaction>();
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            Require(affected.Count < LegacyPayloadCodec.MaxItems, "too many affected transactions");
            byte[] hash = Convert.FromBase64String(reader.ReadTextString());
            Require(hash.Length == PayloadHash.Size, "affected: a hash has 64 bytes");
            affected.Add(new AffectedTransaction(new PayloadHash(hash), Bytes(reader, "affected", MaxBox)));
        }

        reader.ReadEndMap();
        return affected;
    }

    private static List<T> List<T>(CborReader reader, Func<CborReader, T> read)
    {
        var items = new List<T>();
        reader.ReadStartArray();
        while (reader.PeekState() != CborReaderState.EndArray)
        {
            Require(items.Count < LegacyPayloadCodec.MaxItems, "too many items");
            items.Add(read(reader));
        }

        reader.ReadEndArray();
        return items;
    }

    private static byte[] Bytes(CborReader reader, string what, int max)
    {
        byte[] bytes = reader.ReadByteString();
        Require(bytes.Length <= max, $"{what}: longer than {max} bytes");
        return bytes;
    }

    private static PublicKey ReadKey(CborReader reader)
    {
        byte[] bytes = Bytes(reader, "key", PublicKey.MaxSize);
        Require(bytes.Length > 0, "an empty key");
        return new PublicKey(bytes);
    }

    private static PrivacyMode ReadMode(CborReader reader)
    {
        int flag = reader.ReadInt32();
        Require(flag is >= 0 and <= (int)PrivacyMode.PrivateStateValidation, "privacyFlag: a number from 0 to 3 is expected");
        return (PrivacyMode)flag;
    }

    private static void Require(bool condition, string reason)
    {
        if (!condition)
        {
            throw new CborContentException(reason);
        }
    }

    private static void Write(CborWriter writer, string name, ReadOnlySpan<byte> bytes)
    {
        writer.WriteTextString(name);
        writer.WriteByteString(bytes);
    }

    private static void Write(CborWriter writer, string name, IReadOnlyList<PublicKey> keys)
    {
        writer.WriteTextString(name);
        writer.WriteStartArray(keys.Count);
        foreach (PublicKey key in keys)
        {
            writer.WriteByteString(key.Span);
        }

        writer.WriteEndArray();
    }

    private sealed class Fields
    {
        public HashSet<string> Seen { get; } = [];

        public PublicKey? Sender { get; set; }

        public byte[]? CipherText { get; set; }

        public byte[]? Nonce { get; set; }

        public byte[]? RecipientNonce { get; set; }

        public IReadOnlyList<byte[]>? Boxes { get; set; }

        public IReadOnlyList<PublicKey> Recipients { get; set; } = [];

        public PrivacyMode Mode { get; set; }

        public IReadOnlyList<AffectedTransaction> Affected { get; set; } = [];

        public byte[] ExecutionHash { get; set; } = [];

        public IReadOnlyList<PublicKey> Mandatory { get; set; } = [];

        public byte[] GroupId { get; set; } = [];

        public EncodedPayload ToPayload()
        {
            Require((Mode == PrivacyMode.PrivateStateValidation) == (ExecutionHash.Length > 0), "ExecutionHash data is invalid");
            Require((Mode == PrivacyMode.MandatoryRecipients) == (Mandatory.Count > 0), "Mandatory recipients data is invalid");
            return new EncodedPayload
            {
                SenderKey = Sender ?? throw Missing("sender"),
                CipherText = CipherText ?? throw Missing("cipherText"),
                CipherTextNonce = Nonce ?? throw Missing("nonce"),
                RecipientBoxes = Boxes ?? throw Missing("recipientBoxes"),
                RecipientNonce = RecipientNonce ?? throw Missing("recipientNonce"),
                RecipientKeys = Recipients,
                PrivacyMode = Mode,
                AffectedTransactions = Affected,
                ExecutionHash = ExecutionHash,
                MandatoryRecipients = Mandatory,
                PrivacyGroupId = GroupId.Length > 0 ? GroupId : null,
            };
        }

        private static CborContentException Missing(string name) => new($"{name} is missing");
    }
}
