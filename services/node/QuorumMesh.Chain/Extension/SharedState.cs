using System.Text.Encodings.Web;
using System.Text.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Extension;

/// <summary>
/// One contract's account as an extension carries it to a new party: GoQuorum's JSON
/// <c>{"address":{"state":{balance, nonce, root, codeHash, code, storage}}}</c> (21:extension/state_fetcher.go, 21:core/state/dump.go),
/// the address with its checksum, hex without 0x but for slots, values without leading zeros.
/// </summary>
/// <param name="Storage">Slots that are not zero.</param>
public sealed record SharedState(UInt256 Balance, ulong Nonce, byte[] Code, IReadOnlyDictionary<UInt256, UInt256> Storage)
{
    private const int MaxDepth = 8;
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The account as GoQuorum writes it; slots must come in ascending order.</summary>
    public static byte[] Write(in Address contract, in Account account, byte[] code, IEnumerable<(UInt256 Slot, UInt256 Value)> storage)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteStartObject(contract.ToChecksumString());
            json.WriteStartObject("state"u8);
            json.WriteString("balance"u8, account.Balance.ToString());
            json.WriteNumber("nonce"u8, account.Nonce);
            json.WriteString("root"u8, Bare(account.StorageRoot.Bytes));
            json.WriteString("codeHash"u8, Bare(account.CodeHash.Bytes));
            if (code.Length > 0) json.WriteString("code"u8, Bare(code));
            WriteStorage(json, storage);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>
    /// Reads an account that was shared for a contract, and holds its code and storage against the hashes beside them: GoQuorum leaves
    /// out slots whose numbers it has lost, and the new party's state would differ from then on without a word.
    /// </summary>
    /// <exception cref="FormatException">
    /// It is no account of that contract, or is not whole; the text says what is wrong, and nothing of what the payload holds.
    /// </exception>
    public static SharedState Read(ReadOnlyMemory<byte> json, in Address contract)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return Read(document.RootElement, contract.ToChecksumString());
        }
        // Their texts quote the payload, and this one comes into logs, the store and answers.
        catch (JsonException)
        {
            throw new FormatException("the shared state cannot be read: it is no JSON");
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("the shared state cannot be read: a part is missing, or of another kind");
        }
    }

    /// <summary>Makes it the contract's account; what is there so far is an account without code.</summary>
    /// <param name="privacy">Null with the standard flag.</param>
    public void ApplyTo(WorldState state, in Address contract, PrivacyMetadata? privacy)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.SetBalance(contract, Balance);
        state.SetNonce(contract, Nonce);
        state.SetCode(contract, Code);
        foreach (var (slot, value) in Storage) state.SetStorage(contract, slot, value);
        if (privacy is not null) state.SetPrivacy(contract, privacy);
    }

    private static SharedState Read(JsonElement root, string contract)
    {
        var accounts = root.EnumerateObject().ToList();
        if (accounts is not [var only] || only.Name != contract)
            throw new FormatException($"the shared state is not that of {contract} alone");
        var fields = only.Value.GetProperty("state"u8);
        var code = fields.TryGetProperty("code"u8, out var text) ? Bytes("code", text.GetString()) : [];
        var storage = fields.TryGetProperty("storage"u8, out var slots) ? ReadStorage(slots) : [];
        var shared = new SharedState(Number(fields.GetProperty("balance"u8).GetString()), fields.GetProperty("nonce"u8).GetUInt64(), code,
            storage);
        Require("codeHash", fields, code.Length == 0 ? Hash256.EmptyCode : Keccak.Hash(code));
        Require("root", fields, StateRoot.OfStorage(storage));
        return shared;
    }

    private static Dictionary<UInt256, UInt256> ReadStorage(JsonElement slots)
    {
        var storage = new Dictionary<UInt256, UInt256>();
        foreach (var slot in slots.EnumerateObject()) storage[Word("slot", slot.Name)] = Word("value", slot.Value.GetString());
        return storage;
    }

    private static void Require(string name, JsonElement fields, in Hash256 found)
    {
        if (Bare(found.Bytes) != fields.GetProperty(name).GetString())
            throw new FormatException($"the shared state is not whole: its {name} is another than that of what it holds");
    }

    private static UInt256 Number(string? text) =>
        text is { Length: > 0 } && text.All(char.IsAsciiDigit) && UInt256.TryParse(text, out var number) ? number
            : throw new FormatException("the shared state's balance is no number");

    private static UInt256 Word(string what, string? text) => Bytes(what, text) is { Length: <= Hash256.Size } bytes
        ? UInt256.FromBigEndian(bytes) : throw new FormatException($"the shared state has a {what} of more than {Hash256.Size} bytes");

    private static byte[] Bytes(string what, string? text) =>
        Hex.TryFromHex(text, out var bytes) ? bytes : throw new FormatException($"the shared state has a {what} that is no hex");

    private static void WriteStorage(Utf8JsonWriter json, IEnumerable<(UInt256 Slot, UInt256 Value)> storage)
    {
        var isBegun = false;
        foreach (var (slot, value) in storage)
        {
            if (!isBegun) json.WriteStartObject("storage"u8);
            isBegun = true;
            json.WriteString(Hex.ToHex(slot.ToBigEndian()), Bare(value.ToBigEndian().AsSpan().TrimStart((byte)0)));
        }
        if (isBegun) json.WriteEndObject();
    }

    private static string Bare(ReadOnlySpan<byte> bytes) => Hex.ToHex(bytes, prefix: false);
}
