using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>Where a transaction was mined, and what it paid.</summary>
/// <param name="GasPrice">Wei per gas.</param>
internal readonly record struct PlacedTransaction(BlockHeader Header, int Index, UInt256 GasPrice)
{
    public static PlacedTransaction Of(Block block, int index, ChainConfig config, CompatibilityProfile profile) =>
        new(block.Header, index, config.EffectiveGasPrice(block.Transactions[index], block.Number, profile));
}

internal static class TransactionJson
{
    /// <param name="place">Null while the transaction waits in the pool.</param>
    public static void Write(Utf8JsonWriter json, Transaction tx, in Address sender, PlacedTransaction? place, CompatibilityProfile profile)
    {
        json.WriteStartObject();
        WritePlace(json, place, profile);
        json.Value("from"u8, sender);
        json.Quantity("gas"u8, tx.GasLimit);
        // The field of a type 0 or 1 is what was signed; the others have none, and it tells what was paid.
        json.Quantity("gasPrice"u8, place is { } mined && tx.Type >= TransactionType.DynamicFee ? mined.GasPrice : tx.GasPrice);
        json.Value("hash"u8, tx.Hash);
        json.Data("input"u8, tx.Data);
        json.Quantity("nonce"u8, tx.Nonce);
        json.Value("to"u8, tx.To);
        json.Quantity("value"u8, tx.Value);
        WriteSignature(json, tx);
        if (profile.Rpc.KnowsTransactionTypes) WriteTyped(json, tx);
        json.WriteEndObject();
    }

    /// <summary>The transaction by itself, as eth_signTransaction and eth_fillTransaction answer it.</summary>
    public static void WriteBare(Utf8JsonWriter json, Transaction tx)
    {
        json.WriteStartObject();
        json.Quantity("nonce"u8, tx.Nonce);
        json.Quantity("gasPrice"u8, tx.GasPrice);
        json.Quantity("gas"u8, tx.GasLimit);
        json.Value("to"u8, tx.To);
        json.Quantity("value"u8, tx.Value);
        json.Data("input"u8, tx.Data);
        WriteSignature(json, tx);
        if (tx.Type != TransactionType.Legacy) WriteTyped(json, tx);
        json.Value("hash"u8, tx.Hash);
        json.WriteEndObject();
    }

    private static void WritePlace(Utf8JsonWriter json, PlacedTransaction? place, CompatibilityProfile profile)
    {
        if (place is { } at)
        {
            json.Value("blockHash"u8, at.Header.Hash);
            json.Quantity("blockNumber"u8, at.Header.Number);
            json.Quantity("transactionIndex"u8, (ulong)at.Index);
        }
        else if (profile.Rpc.PlacesPendingAtZero)
        {
            json.Value("blockHash"u8, default(Hash256));
            json.WriteNull("blockNumber"u8);
            json.Quantity("transactionIndex"u8, 0ul);
        }
        else
        {
            json.WriteNull("blockHash"u8);
            json.WriteNull("blockNumber"u8);
            json.WriteNull("transactionIndex"u8);
        }
    }

    private static void WriteSignature(Utf8JsonWriter json, Transaction tx)
    {
        json.Quantity("v"u8, tx.V);
        json.Quantity("r"u8, tx.R);
        json.Quantity("s"u8, tx.S);
    }

    private static void WriteTyped(Utf8JsonWriter json, Transaction tx)
    {
        json.Quantity("type"u8, (ulong)tx.Type);
        if (tx.Type == TransactionType.Legacy) return;
        json.Quantity("chainId"u8, tx.TypedChainId);
        if (tx.Type >= TransactionType.DynamicFee)
        {
            json.Quantity("maxFeePerGas"u8, tx.GasPrice);
            json.Quantity("maxPriorityFeePerGas"u8, tx.MaxPriorityFee);
        }
        AccessListJson.WriteList(json, tx.AccessList);
        if (tx.Type == TransactionType.SetCode) AuthorizationJson.WriteList(json, tx.AuthorizationList);
        if (tx.Type >= TransactionType.DynamicFee) json.Quantity("yParity"u8, tx.V);
    }
}
