using System.Text.Encodings.Web;
using System.Text.Json;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>
/// A payload as the manager encrypted it for its sender alone: what a vote on a contract extension is. Keys, boxes and nonces are base64.
/// Its text is that of GoQuorum: six members, compact (24:common/types.go DecryptRequest).
/// </summary>
public sealed record SealedPayload(string SenderKey, string CipherText, string CipherTextNonce, IReadOnlyList<string> RecipientBoxes,
    string RecipientNonce, IReadOnlyList<string> RecipientKeys)
{
    /// <summary>A vote has a box and a key.</summary>
    private const int MostItems = 64;

    // Of NaCl, which keys of 32 bytes are for; Tessera's elliptic curves have others, and lengths that are set.
    private const int KeySize = 32;
    private const int NonceSize = 24;
    private const int TagSize = 16;
    private const int BoxSize = KeySize + TagSize;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>As it is sent to the other parties.</summary>
    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteString("senderKey"u8, SenderKey);
            json.WriteString("cipherText"u8, CipherText);
            json.WriteString("cipherTextNonce"u8, CipherTextNonce);
            WriteAll(json, "recipientBoxes", RecipientBoxes);
            json.WriteString("recipientNonce"u8, RecipientNonce);
            WriteAll(json, "recipientKeys", RecipientKeys);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>Null for a payload that is something else.</summary>
    public static SealedPayload? Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4 });
            var root = document.RootElement;
            var read = new SealedPayload(Text(root, "senderKey"), Text(root, "cipherText"), Text(root, "cipherTextNonce"),
                Texts(root, "recipientBoxes"), Text(root, "recipientNonce"), Texts(root, "recipientKeys"));
            return SizeOf(read.SenderKey) != KeySize || read.HasSizesOfNaCl ? read : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    /// <summary>A manager stumbles over others.</summary>
    private bool HasSizesOfNaCl => SizeOf(CipherText) >= TagSize && SizeOf(CipherTextNonce) == NonceSize
        && SizeOf(RecipientNonce) == NonceSize && RecipientBoxes.All(static box => SizeOf(box) == BoxSize)
        && RecipientKeys.All(static key => SizeOf(key) == KeySize);

    private static int SizeOf(string base64) => Convert.FromBase64String(base64).Length;

    private static string Text(JsonElement of, string name) => Base64(of.GetProperty(name));

    private static string[] Texts(JsonElement of, string name) => of.GetProperty(name) is var list && list.GetArrayLength() <= MostItems
        ? [.. list.EnumerateArray().Select(Base64)] : throw new FormatException($"{name} has more than {MostItems} items");

    private static string Base64(JsonElement element) =>
        element.TryGetBytesFromBase64(out _) ? element.GetString()! : throw new FormatException("no base64");

    private static void WriteAll(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
