using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// Raw transactions in batches over several connections, at most 1,000 sent and not mined; from the first one sent to the last one mined.
/// </summary>
internal sealed class InFlightLoad(RpcConnection rpc, string[] raw)
{
    public static readonly TimeSpan NoProgress = TimeSpan.FromSeconds(20);
    private const int BatchSize = 50;
    private const int Connections = 4;
    private const int InFlight = 1_000;

    private int _sent;
    private int _mined;
    private bool _isOver;

    /// <returns>Until the last block that brought some, and how many were mined.</returns>
    public async Task<(double Seconds, int Mined)> RunAsync()
    {
        var head = await rpc.QuantityAsync("eth_blockNumber", static _ => { }).ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        var senders = Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => SendAsync()));
        var end = clock.Elapsed;
        while (_mined < raw.Length && clock.Elapsed - end < NoProgress && !senders.IsFaulted)
        {
            for (var newest = await rpc.QuantityAsync("eth_blockNumber", static _ => { }).ConfigureAwait(false); head < newest; head++)
            {
                Interlocked.Add(ref _mined, await CountAsync(head + 1).ConfigureAwait(false));
                end = clock.Elapsed;
            }
            await Task.Delay(5).ConfigureAwait(false);
        }
        // A network that has stranded some lets the senders wait for ever.
        Volatile.Write(ref _isOver, true);
        await senders.ConfigureAwait(false);
        return (end.TotalSeconds, _mined);
    }

    private async Task<int> CountAsync(ulong block) => (int)await rpc.QuantityAsync(
        "eth_getBlockTransactionCountByNumber", w => w.WriteStringValue(Hex.Quantity(block))).ConfigureAwait(false);

    private async Task SendAsync()
    {
        while (!Volatile.Read(ref _isOver))
        {
            if (Volatile.Read(ref _sent) - Volatile.Read(ref _mined) > InFlight)
            {
                await Task.Delay(2).ConfigureAwait(false);
                continue;
            }
            var from = Interlocked.Add(ref _sent, BatchSize) - BatchSize;
            if (from >= raw.Length) return;
            var calls = raw[from..Math.Min(from + BatchSize, raw.Length)].Select(tx =>
                ("eth_sendRawTransaction", (Action<Utf8JsonWriter>)(w => w.WriteStringValue(tx)))).ToArray();
            foreach (var outcome in await rpc.BatchAsync(calls).ConfigureAwait(false))
                if (outcome.Error is { } error) throw new InvalidOperationException("eth_sendRawTransaction: " + error);
        }
    }
}
