using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>A log in its place in the chain.</summary>
internal readonly record struct PlacedLog(LogEntry Log, BlockHeader Header, Hash256 TransactionHash, int TransactionIndex, uint LogIndex)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.Value("address"u8, Log.Address);
        json.WriteStartArray("topics"u8);
        foreach (var topic in Log.Topics) json.Value(topic);
        json.WriteEndArray();
        json.Data("data"u8, Log.Data);
        json.Quantity("blockNumber"u8, Header.Number);
        json.Value("transactionHash"u8, TransactionHash);
        json.Quantity("transactionIndex"u8, (ulong)TransactionIndex);
        json.Value("blockHash"u8, Header.Hash);
        json.Quantity("logIndex"u8, LogIndex);
        json.WriteBoolean("removed"u8, false);
        json.WriteEndObject();
    }
}
