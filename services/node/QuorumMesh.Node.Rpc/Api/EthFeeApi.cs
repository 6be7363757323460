using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>What wallets of today ask about fees. The base fee is always 0, as geth answers it for blocks before London.</summary>
internal sealed class EthFeeApi(NodeReader reader) : IRpcApi
{
    private const ulong MaxBlocks = 1024;
    private const int MaxPercentiles = 100;

    public void Register(RpcMethodTable table)
    {
        table.Add("eth_maxPriorityFeePerGas", 0, call => call.Result.Quantity(0ul));
        table.AddAsync("eth_feeHistory", 3, HistoryAsync);
    }

    /// <summary>A block's place in the history.</summary>
    /// <param name="Rewards">One a percentile; null when none are asked for.</param>
    private sealed record Fees(double GasUsedRatio, IReadOnlyList<UInt256>? Rewards);

    private async ValueTask HistoryAsync(RpcCall call)
    {
        var count = Math.Min(call.NumberOrQuantity(0), MaxBlocks);
        var tag = call.Block(1);
        var percentiles = call.Has(2) ? call.Read(2, ReadPercentiles) : [];
        var (oldest, blocks) = await reader.ReadAsync(call.Cancellation, scope =>
        {
            var last = tag.Kind == BlockTagKind.Number ? tag.Number : scope.Header(tag)?.Number ?? throw new RpcException("unknown block");
            if (last > scope.Latest) throw new RpcException($"request beyond head block: requested {last}, head {scope.Latest}");
            var first = last + 1 - Math.Min(count, last + 1);
            var fees = new List<Fees>();
            for (var number = first; count > 0 && number <= last; number++)
            {
                call.Cancellation.ThrowIfCancellationRequested();
                fees.Add(FeesOf(scope.View, number, percentiles));
            }
            return (fees.Count == 0 ? 0 : first, fees);
        }).ConfigureAwait(false);
        Write(call.Result, oldest, blocks);
    }

    private static Fees FeesOf(NodeView view, ulong number, double[] percentiles)
    {
        var header = view.Header(number) ?? throw new RpcException("unknown block");
        var ratio = header.GasLimit == 0 ? 0 : (double)header.GasUsed / header.GasLimit;
        if (percentiles.Length == 0) return new Fees(ratio, null);
        var transactions = view.Block(number)!.Transactions;
        var tips = transactions.Zip(view.PublicReceipts(header.Hash),
            (tx, receipt) => (Tip: view.Rules.Config.EffectiveGasPrice(tx, number, view.Rules.Profile), receipt.GasUsed))
            .OrderBy(t => t.Tip).ToList();
        return new Fees(ratio, [.. percentiles.Select(p => TipAt(tips, header.GasUsed * p / 100))]);
    }

    /// <summary>The tip of the transaction that this much of the block's gas, cheapest first, ends in.</summary>
    private static UInt256 TipAt(List<(UInt256 Tip, ulong GasUsed)> tips, double gas)
    {
        ulong sum = 0;
        foreach (var (tip, used) in tips)
        {
            sum += used;
            if (sum >= gas) return tip;
        }
        return tips.Count == 0 ? UInt256.Zero : tips[^1].Tip;
    }

    private static double[] ReadPercentiles(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray) throw new FormatException("reward percentiles are an array of numbers");
        var percentiles = new List<double>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetDouble(out var value))
                throw new FormatException("reward percentiles are an array of numbers");
            if (percentiles.Count == MaxPercentiles) throw new FormatException($"at most {MaxPercentiles} reward percentiles");
            if (value is not (>= 0 and <= 100) || (percentiles.Count > 0 && value < percentiles[^1]))
                throw new FormatException("invalid reward percentile: they go up, from 0 to 100");
            percentiles.Add(value);
        }
        return [.. percentiles];
    }

    private static void Write(Utf8JsonWriter json, ulong oldest, List<Fees> blocks)
    {
        json.WriteStartObject();
        json.Quantity("oldestBlock"u8, oldest);
        if (blocks is [{ Rewards: not null }, ..])
        {
            json.WriteStartArray("reward");
            foreach (var block in blocks)
            {
                json.WriteStartArray();
                foreach (var reward in block.Rewards!) json.Quantity(reward);
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
        if (blocks.Count > 0)
        {
            json.WriteStartArray("baseFeePerGas");
            // One more than blocks: the next block's too.
            for (var i = 0; i <= blocks.Count; i++) json.Quantity(0ul);
            json.WriteEndArray();
        }
        json.WriteStartArray("gasUsedRatio");
        foreach (var block in blocks) json.WriteNumberValue(block.GasUsedRatio);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
