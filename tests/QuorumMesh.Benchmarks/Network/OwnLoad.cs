using System.Diagnostics;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// A load beside others: at most 1,000 of its own transactions sent and not mined, by the nonces of its accounts; ends when all are mined.
/// </summary>
internal sealed class OwnLoad(RpcConnection rpc, SignedLoad load, string[] raw)
{
    private const int BatchSize = 50;
    private const int InFlight = 1_000;

    private static readonly TimeSpan NoProgress = TimeSpan.FromSeconds(60);

    public async Task RunAsync()
    {
        var (sent, mined) = (0, 0);
        for (var since = Stopwatch.StartNew(); mined < raw.Length;)
        {
            for (; sent < raw.Length && sent - mined < InFlight; sent += BatchSize)
                await NetworkBench.SendAsync(rpc, raw, sent, Math.Min(BatchSize, raw.Length - sent)).ConfigureAwait(false);
            var now = await MinedAsync().ConfigureAwait(false);
            if (now > mined) since.Restart();
            else if (since.Elapsed > NoProgress) throw new InvalidOperationException($"{raw.Length - mined} transactions are not mined");
            else await Task.Delay(2).ConfigureAwait(false);
            mined = now;
        }
    }

    private async Task<int> MinedAsync()
    {
        var mined = -1; // the deployment
        foreach (var (address, _) in load.Expected)
            mined += (int)await rpc.QuantityAsync("eth_getTransactionCount", w =>
            {
                w.WriteStringValue(address.ToString());
                w.WriteStringValue("latest");
            }).ConfigureAwait(false);
        return mined;
    }
}
