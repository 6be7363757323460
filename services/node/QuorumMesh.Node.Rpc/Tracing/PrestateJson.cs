using System.Text.Json;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>prestateTracer's answers: whole accounts as geth 1.8 prints them, differences as geth 1.11 does.</summary>
internal static class PrestateJson
{
    public static void Write(Utf8JsonWriter json, IEnumerable<(Address Address, TracedAccount Account)> accounts)
    {
        json.WriteStartObject();
        foreach (var (address, account) in accounts)
        {
            json.WriteStartObject(address.ToString());
            json.Quantity("balance"u8, account.Balance ?? UInt256.Zero);
            json.WriteNumber("nonce"u8, account.Nonce ?? 0);
            json.Data("code"u8, account.Code);
            WriteStorage(json, account);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    public static void WriteDifference(Utf8JsonWriter json,
        (SortedDictionary<Address, TracedAccount> Before, SortedDictionary<Address, TracedAccount> After) difference)
    {
        json.WriteStartObject();
        WriteSide(json, "post"u8, difference.After, keepsNonce: true);
        WriteSide(json, "pre"u8, difference.Before, keepsNonce: false);
        json.WriteEndObject();
    }

    /// <param name="keepsNonce">A nonce of 0 is left out of the accounts before.</param>
    private static void WriteSide(Utf8JsonWriter json, ReadOnlySpan<byte> name, SortedDictionary<Address, TracedAccount> accounts,
        bool keepsNonce)
    {
        json.WriteStartObject(name);
        foreach (var (address, account) in accounts)
        {
            json.WriteStartObject(address.ToString());
            if (account.Balance is { } balance) json.Quantity("balance"u8, balance);
            if (account.Nonce is { } nonce && (keepsNonce || nonce > 0)) json.WriteNumber("nonce"u8, nonce);
            if (account.Code is { Length: > 0 } code) json.Data("code"u8, code);
            if (account.Storage.Count > 0) WriteStorage(json, account);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteStorage(Utf8JsonWriter json, TracedAccount account)
    {
        json.WriteStartObject("storage"u8);
        foreach (var (slot, value) in account.Storage)
        {
            json.WritePropertyName(Hash256.FromWord(slot).ToString());
            json.Value(Hash256.FromWord(value));
        }
        json.WriteEndObject();
    }
}
