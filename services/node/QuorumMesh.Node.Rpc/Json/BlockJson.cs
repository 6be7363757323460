using System.Buffers.Binary;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>Blocks and headers as JSON.</summary>
/// <param name="TimeUnit">What times are shown in.</param>
internal sealed record BlockJson(ChainConfig Config, CompatibilityProfile Profile, BlockTimeUnit TimeUnit)
{
    /// <param name="senderOf">Null for hashes only.</param>
    /// <param name="isPending">Hash, nonce and miner are then null, as geth has it.</param>
    public void Write(Utf8JsonWriter json, Block block, in UInt256 totalDifficulty, Func<Transaction, Address>? senderOf, bool isPending)
    {
        json.WriteStartObject();
        WriteHeaderFields(json, block.Header, isPending);
        json.Quantity("size"u8, (ulong)block.Encode().Length);
        json.Quantity("totalDifficulty"u8, totalDifficulty);
        json.WriteStartArray("transactions"u8);
        for (var i = 0; i < block.Transactions.Count; i++)
        {
            var tx = block.Transactions[i];
            if (senderOf is null) json.Value(tx.Hash);
            else TransactionJson.Write(json, tx, senderOf(tx), PlacedTransaction.Of(block, i, Config, Profile), Profile);
        }
        json.WriteEndArray();
        json.WriteStartArray("uncles"u8);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>As the newHeads subscription sends it.</summary>
    public void WriteHeader(Utf8JsonWriter json, BlockHeader header)
    {
        json.WriteStartObject();
        WriteHeaderFields(json, header, isPending: false);
        json.WriteEndObject();
    }

    private void WriteHeaderFields(Utf8JsonWriter json, BlockHeader header, bool isPending)
    {
        json.Quantity("number"u8, header.Number);
        json.Value("parentHash"u8, header.ParentHash);
        json.Value("sha3Uncles"u8, header.UncleHash);
        json.WriteString("logsBloom"u8, header.Bloom.ToString());
        json.Value("stateRoot"u8, header.StateRoot);
        json.Quantity("difficulty"u8, header.Difficulty);
        json.Data("extraData"u8, header.ExtraData);
        json.Quantity("gasLimit"u8, header.GasLimit);
        json.Quantity("gasUsed"u8, header.GasUsed);
        if (Config.HasBaseFee(header.Number, Profile)) json.Quantity("baseFeePerGas"u8, 0ul);
        json.Quantity("timestamp"u8, new BlockTime(header.Time, Config.BlockTimeUnit).In(TimeUnit).Value);
        json.Value("transactionsRoot"u8, header.TransactionsRoot);
        json.Value("receiptsRoot"u8, header.ReceiptsRoot);
        json.Value("mixHash"u8, header.MixHash);
        if (isPending)
        {
            json.WriteNull("hash"u8);
            json.WriteNull("nonce"u8);
            json.WriteNull("miner"u8);
            return;
        }
        Span<byte> nonce = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(nonce, header.Nonce);
        json.Value("hash"u8, header.Hash);
        json.Data("nonce"u8, nonce);
        json.Value("miner"u8, header.Coinbase);
    }
}
