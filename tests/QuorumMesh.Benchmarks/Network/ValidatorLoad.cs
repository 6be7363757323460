using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>What one round of the load gave.</summary>
/// <param name="Rate">Transactions a second, from the first that is sent to the block with the last.</param>
/// <param name="CpuPerThousand">Seconds of all validators together for 1,000 transactions.</param>
/// <param name="Block">Seconds a block over that time.</param>
internal readonly record struct LoadResult(double Rate, double CpuPerThousand, double Block);

/// <summary>The load of validators: <c>set(x)</c> of 20 accounts to one of them, in batches of 50 over four connections.</summary>
internal sealed class ValidatorLoad(ValidatorNetwork network)
{
    private const int Accounts = 20;
    private const int BatchSize = 50;
    private const int Connections = 4;

    private RpcConnection Rpc => network.Validators[0].Rpc;

    /// <summary>Sends so many transactions and waits for the last; at most <paramref name="inFlight"/> are not yet mined.</summary>
    public async Task<LoadResult> RunAsync(int count, int inFlight)
    {
        var load = new SignedLoad(ValidatorNetwork.ChainId, Accounts);
        var contract = await NetworkBench.DeployAsync(Rpc, load).ConfigureAwait(false);
        var raw = load.Sets(contract, count);
        var start = await Rpc.QuantityAsync("eth_blockNumber", _ => { }).ConfigureAwait(false);
        await network.HeadReachesAsync(start + 1).ConfigureAwait(false);
        var (sent, mined) = (0, 0L);
        using var done = new CancellationTokenSource();
        var cpu = network.CpuSeconds();
        var clock = Stopwatch.StartNew();
        var counter = NetworkBench.CountMinedAsync(Rpc, start, n =>
        {
            if (Interlocked.Add(ref mined, n) >= count) done.Cancel();
        }, done.Token);
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            while (Volatile.Read(ref sent) < count)
            {
                if (Volatile.Read(ref sent) - Interlocked.Read(ref mined) + BatchSize > inFlight)
                {
                    await Task.Delay(2).ConfigureAwait(false);
                    continue;
                }
                var from = Interlocked.Add(ref sent, BatchSize) - BatchSize;
                if (from < count) await NetworkBench.SendAsync(Rpc, raw, from, Math.Min(BatchSize, count - from)).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        await counter.WaitAsync(TimeSpan.FromMinutes(3)).ConfigureAwait(false);
        var (seconds, used) = (clock.Elapsed.TotalSeconds, network.CpuSeconds() - cpu);
        var blocks = await Rpc.QuantityAsync("eth_blockNumber", _ => { }).ConfigureAwait(false) - start;
        return new LoadResult(count / seconds, used / count * 1000, seconds / blocks);
    }

    /// <summary>Milliseconds from sending to the receipt, in order of their length, at 20 transactions a second.</summary>
    public async Task<IReadOnlyList<double>> LatencyAsync(int count)
    {
        var load = new SignedLoad(ValidatorNetwork.ChainId, 1);
        var contract = await NetworkBench.DeployAsync(Rpc, load).ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        var times = new List<double>();
        // In the order of sending, which is that of their nonces.
        var waiting = new List<(string Hash, double At)>();
        using var every = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var sending = Task.Run(async () =>
        {
            foreach (var tx in load.Sets(contract, count))
            {
                await every.WaitForNextTickAsync().ConfigureAwait(false);
                var at = clock.Elapsed.TotalMilliseconds;
                var hash = (await Rpc.CallAsync("eth_sendRawTransaction", w => w.WriteStringValue(tx)).ConfigureAwait(false)).GetString()!;
                lock (waiting) waiting.Add((hash, at));
            }
        });
        var limit = TimeSpan.FromMilliseconds(50 * count) + TimeSpan.FromMinutes(1);
        while (times.Count < count)
        {
            if (sending.IsFaulted) await sending.ConfigureAwait(false);
            if (clock.Elapsed > limit) throw new InvalidOperationException($"{count - times.Count} of {count} transactions are not mined");
            string[] asked;
            lock (waiting) asked = [.. waiting.Select(w => w.Hash)];
            if (asked.Length > 0) times.AddRange(await ArrivedAsync(asked, waiting, clock).ConfigureAwait(false));
            await Task.Delay(5).ConfigureAwait(false);
        }
        times.Sort();
        return times;
    }

    /// <summary>An account's transactions are mined in their order: the others are asked for when the oldest has its receipt.</summary>
    private async Task<IReadOnlyList<double>> ArrivedAsync(string[] asked, List<(string Hash, double At)> waiting, Stopwatch clock)
    {
        if (!(await HaveReceiptsAsync(asked[..1]).ConfigureAwait(false))[0]) return [];
        var mined = (await HaveReceiptsAsync(asked).ConfigureAwait(false)).TakeWhile(m => m).Count();
        var now = clock.Elapsed.TotalMilliseconds;
        lock (waiting)
        {
            var times = waiting.Take(mined).Select(w => now - w.At).ToList();
            waiting.RemoveRange(0, mined);
            return times;
        }
    }

    private async Task<bool[]> HaveReceiptsAsync(string[] hashes)
    {
        var calls = hashes.Select(h => ("eth_getTransactionReceipt", (Action<Utf8JsonWriter>)(w => w.WriteStringValue(h)))).ToList();
        return [.. (await Rpc.BatchAsync(calls).ConfigureAwait(false)).Select(o => o.Result is { ValueKind: JsonValueKind.Object })];
    }
}
