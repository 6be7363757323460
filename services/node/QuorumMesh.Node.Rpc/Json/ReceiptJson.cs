using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

internal static class ReceiptJson
{
    public static void Write(Utf8JsonWriter json, Block block, int index, in ReceiptView view, in Address sender, ChainConfig config,
        CompatibilityProfile profile) =>
        Write(json, block, index, new RecoveredTransaction(block.Transactions[index], sender), view.Receipt, view.FirstLogIndex, config,
            profile);

    /// <summary>Of the private transaction in a marker, under the marker's hash.</summary>
    public static void WriteMarked(Utf8JsonWriter json, Block block, int index, RecoveredTransaction inner, in MarkedReceipt marked,
        ChainConfig config, CompatibilityProfile profile) =>
        Write(json, block, index, inner, marked.Receipt, marked.FirstLogIndex, config, profile);

    private static void Write(Utf8JsonWriter json, Block block, int index, RecoveredTransaction transaction, Receipt receipt,
        uint firstLog, ChainConfig config, CompatibilityProfile profile)
    {
        var ((tx, sender), hash) = (transaction, block.Transactions[index].Hash);
        json.WriteStartObject();
        json.Value("blockHash"u8, block.Hash);
        json.Quantity("blockNumber"u8, block.Number);
        json.Value("contractAddress"u8, receipt.ContractAddress);
        json.Quantity("cumulativeGasUsed"u8, receipt.CumulativeGasUsed);
        json.Value("from"u8, sender);
        json.Quantity("gasUsed"u8, receipt.GasUsed);
        json.WriteStartArray("logs"u8);
        for (var i = 0; i < receipt.Logs.Count; i++)
            new PlacedLog(receipt.Logs[i], block.Header, hash, index, firstLog + (uint)i).Write(json);
        json.WriteEndArray();
        json.WriteString("logsBloom"u8, receipt.Bloom.ToString());
        if (receipt.PostState is { } root) json.Value("root"u8, root);
        else json.Quantity("status"u8, receipt.Status);
        if (receipt.RevertReason is { } reason) json.Data("revertReason"u8, reason);
        json.Value("to"u8, tx.To);
        json.Value("transactionHash"u8, hash);
        json.Quantity("transactionIndex"u8, (ulong)index);
        if (profile.Rpc.KnowsTransactionTypes)
        {
            json.Quantity("type"u8, (ulong)tx.Type);
            json.Quantity("effectiveGasPrice"u8, config.EffectiveGasPrice(tx, block.Number, profile));
            json.WriteBoolean("isPrivacyMarkerTransaction"u8, tx.To == PrivacyMarker.Address);
        }
        json.WriteEndObject();
    }
}
