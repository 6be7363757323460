using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Primitives;

namespace QuorumMesh.Enclave.Rest;

/// <summary>A request of Tessera's enclave interface (tessera 5.2). What is wrong is told by member; no text names a secret.</summary>
internal readonly struct EnclaveJson(JsonElement root)
{
    /// <summary>Empty when absent.</summary>
    /// <exception cref="InvalidCipherException">It is no base64.</exception>
    public byte[] Bytes(string member)
    {
        if (!Has(member, out var value))
            return [];
        return value.ValueKind == JsonValueKind.String && value.TryGetBytesFromBase64(out var bytes)
            ? bytes : throw Wrong(member, "base64");
    }

    /// <exception cref="InvalidCipherException">It is absent, or no key.</exception>
    public PublicKey Key(string member) => KeyOrNull(member) ?? throw Wrong(member, "a public key in base64");

    /// <summary>Null when absent.</summary>
    public PublicKey? KeyOrNull(string member) => Has(member, out var value) ? Key(member, value) : null;

    /// <summary>Empty when absent.</summary>
    public PublicKey[] Keys(string member) => [.. Items(member).Select(item => Key(member, item))];

    /// <summary>Standard private when absent.</summary>
    public PrivacyMode Mode(string member) => !Has(member, out var value) ? PrivacyMode.StandardPrivate
        : value.ValueKind != JsonValueKind.String ? throw Wrong(member, "a word") : value.GetString() switch
        {
            "STANDARD_PRIVATE" => PrivacyMode.StandardPrivate,
            "PARTY_PROTECTION" => PrivacyMode.PartyProtection,
            "MANDATORY_RECIPIENTS" => PrivacyMode.MandatoryRecipients,
            "PRIVATE_STATE_VALIDATION" => PrivacyMode.PrivateStateValidation,
            _ => throw Wrong(member, "a privacy mode"),
        };

    /// <summary>A payload in LEGACY bytes.</summary>
    public EncodedPayload Payload(string member) => Payload(member, Bytes(member));

    public RawPayload Raw() => new(Bytes("encryptedPayload"), Bytes("encryptedKey"), Bytes("nonce"), Key("from"));

    /// <summary>Transactions with their payloads, each <c>{"key": hash, "value": payload}</c>.</summary>
    public List<AffectedPayload> Affected(string member)
    {
        var affected = new List<AffectedPayload>();
        foreach (var item in Items(member))
        {
            if (item.ValueKind != JsonValueKind.Object)
                throw Wrong(member, "a list of key and value");
            var entry = new EnclaveJson(item);
            var hash = entry.Bytes("key");
            if (hash.Length != PayloadHash.Size)
                throw Wrong(member + ".key", $"a hash of {PayloadHash.Size} bytes");
            affected.Add(new AffectedPayload(new PayloadHash(hash), Payload(member + ".value", entry.Bytes("value"))));
            if (affected.Count > LegacyPayloadCodec.MaxItems)
                throw Wrong(member, $"at most {LegacyPayloadCodec.MaxItems} items");
        }

        return affected;
    }

    private static EncodedPayload Payload(string member, byte[] bytes)
    {
        try
        {
            return LegacyPayloadCodec.Decode(bytes);
        }
        catch (WireFormatException e)
        {
            throw new InvalidCipherException($"{member}: {e.Message}");
        }
    }

    private static PublicKey Key(string member, JsonElement value) =>
        value.ValueKind == JsonValueKind.String && NaClBox.TryParseKey(value.GetString(), out var key)
            ? key
            : throw Wrong(member, $"a public key of {NaClBox.KeySize} bytes in base64");

    private static InvalidCipherException Wrong(string member, string expected) => new($"{member}: must be {expected}");

    private JsonElement.ArrayEnumerator Items(string member) => !Has(member, out var value) ? default
        : value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Wrong(member, "an array");

    private bool Has(string member, out JsonElement value) =>
        root.TryGetProperty(member, out value) && value.ValueKind != JsonValueKind.Null;
}
