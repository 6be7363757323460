using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>The network figures: three Raft nodes from published binaries, one load process over JSON-RPC.</summary>
internal sealed class NetworkBench(NetworkDefinition network, int seconds)
{
    private const int Accounts = 20;
    private const int BatchSize = 50;
    private const int Connections = 4;
    private const int InFlight = 1000;

    public async Task RunAsync(int bursts, int burstSize)
    {
        using var minter = await MinterAsync().ConfigureAwait(false);
        await SustainedAsync(minter).ConfigureAwait(false);
        await LatencyAsync(minter).ConfigureAwait(false);
        await PrivateAsync().ConfigureAwait(false);
        await BurstsAsync(minter, bursts, burstSize).ConfigureAwait(false);
    }

    /// <returns>How many bursts left transactions that were not mined.</returns>
    public async Task<int> RunBurstsAsync(int bursts, int burstSize)
    {
        using var minter = await MinterAsync().ConfigureAwait(false);
        return await BurstsAsync(minter, bursts, burstSize).ConfigureAwait(false);
    }

    private async Task<RpcConnection> MinterAsync()
    {
        foreach (var participant in network.Participants)
        {
            var rpc = new RpcConnection(participant.Rpc);
            if ((await rpc.CallAsync("raft_role", _ => { }).ConfigureAwait(false)).GetString() == "minter") return rpc;
            rpc.Dispose();
        }
        throw new InvalidOperationException("no participant is the minter");
    }

    /// <summary>At most <see cref="InFlight"/> transactions sent and not yet mined, for the given time.</summary>
    private async Task SustainedAsync(RpcConnection rpc)
    {
        var load = new SignedLoad(network.ChainId, Accounts);
        var contract = await DeployAsync(rpc, load).ConfigureAwait(false);
        var raw = load.Sets(contract, seconds * 4000);
        var clock = Stopwatch.StartNew();
        var sent = 0;
        var mined = 0L;
        using var done = new CancellationTokenSource();
        var start = await rpc.QuantityAsync("eth_blockNumber", _ => { }).ConfigureAwait(false);
        var counter = CountMinedAsync(rpc, start, n => Interlocked.Add(ref mined, n), done.Token);
        var cpu = CpuSeconds();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                if (Volatile.Read(ref sent) - Interlocked.Read(ref mined) > InFlight)
                {
                    await Task.Delay(2)
                    .ConfigureAwait(false); continue;
                }
                var from = Interlocked.Add(ref sent, BatchSize) - BatchSize;
                if (from + BatchSize > raw.Length) return;
                await SendAsync(rpc, raw, from, BatchSize).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        var elapsed = clock.Elapsed.TotalSeconds;
        var within = Interlocked.Read(ref mined);
        var used = CpuSeconds() - cpu;
        await done.CancelAsync().ConfigureAwait(false);
        await counter.ConfigureAwait(false);
        Console.WriteLine($"public set(x), {InFlight} in flight, {elapsed:F0} s: {within / elapsed:F0} tx/s; CPU of the services "
            + $"{used / within * 1000:F2} s per 1,000 tx");
        await WaitMinedAsync(rpc, load, "sustained", raw, Math.Min(sent, raw.Length)).ConfigureAwait(false);
    }

    private async Task LatencyAsync(RpcConnection rpc)
    {
        var load = new SignedLoad(network.ChainId, 1);
        var contract = await DeployAsync(rpc, load).ConfigureAwait(false);
        var raw = load.Sets(contract, 300);
        var times = new List<double>();
        foreach (var tx in raw)
        {
            var clock = Stopwatch.StartNew();
            var hash = (await rpc.CallAsync("eth_sendRawTransaction", w => w.WriteStringValue(tx)).ConfigureAwait(false)).GetString()!;
            while ((await rpc.CallAsync("eth_getTransactionReceipt", w => w.WriteStringValue(hash)).ConfigureAwait(false))
                .ValueKind == JsonValueKind.Null)
                await Task.Delay(1).ConfigureAwait(false);
            times.Add(clock.Elapsed.TotalMilliseconds);
            if (50 - clock.Elapsed.TotalMilliseconds is > 0 and var rest)
                await Task.Delay(TimeSpan.FromMilliseconds(rest)).ConfigureAwait(false);
        }
        Report("submit to receipt at 20 tx/s", times);
    }

    /// <summary>Private set(x) from A to B, 32 senders at a time over A's unlocked account.</summary>
    private async Task PrivateAsync()
    {
        var a = network.Participants[0];
        var b = network.Participants[1];
        using var rpc = new RpcConnection(a.Rpc);
        async Task<string> Send(string? to, string data) => (await rpc.CallAsync("eth_sendTransaction", w =>
        {
            w.WriteStartObject();
            w.WriteString("from", a.Account);
            if (to is not null) w.WriteString("to", to);
            w.WriteString("data", data);
            w.WriteString("gas", "0x47b760");
            w.WriteStartArray("privateFor");
            w.WriteStringValue(b.TxManagerKey);
            w.WriteEndArray();
            w.WriteEndObject();
        }).ConfigureAwait(false)).GetString()!;
        var contract = (await ReceiptAsync(rpc, await Send(null, SimpleStorage.Create(1)).ConfigureAwait(false)).ConfigureAwait(false))
            .GetProperty("contractAddress").GetString()!;
        var clock = Stopwatch.StartNew();
        var sent = 0;
        var last = "";
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            while (clock.Elapsed.TotalSeconds < Math.Min(20, seconds))
                last = await Send(contract, SimpleStorage.Set((ulong)Interlocked.Increment(ref sent))).ConfigureAwait(false);
        })).ConfigureAwait(false);
        await ReceiptAsync(rpc, last).ConfigureAwait(false);
        Console.WriteLine($"private set(x) A to B: {sent / clock.Elapsed.TotalSeconds:F0} tx/s");
    }

    private async Task<int> BurstsAsync(RpcConnection rpc, int bursts, int burstSize)
    {
        var strandedBursts = 0;
        for (var burst = 1; burst <= bursts; burst++)
        {
            var load = new SignedLoad(network.ChainId, Accounts);
            var contract = await DeployAsync(rpc, load).ConfigureAwait(false);
            var raw = load.Sets(contract, burstSize);
            var clock = Stopwatch.StartNew();
            await Parallel.ForEachAsync(raw.Chunk(BatchSize), new ParallelOptions { MaxDegreeOfParallelism = Connections },
                async (some, _) => await SendAsync(rpc, some, 0, some.Length).ConfigureAwait(false)).ConfigureAwait(false);
            var accepted = clock.Elapsed;
            var stranded = await WaitMinedAsync(rpc, load, $"burst {burst}", raw, burstSize).ConfigureAwait(false);
            Console.WriteLine($"burst {burst} of {burstSize}: accepted in {accepted.TotalSeconds:F1} s, mined in "
                + $"{clock.Elapsed.TotalSeconds:F1} s ({burstSize / clock.Elapsed.TotalSeconds:F0} tx/s), stranded {stranded}");
            if (stranded > 0) strandedBursts++;
        }
        Console.WriteLine($"bursts of {burstSize}: transactions stranded in {strandedBursts} of {bursts}");
        return strandedBursts;
    }

    internal static async Task SendAsync(RpcConnection rpc, string[] raw, int from, int count)
    {
        var calls = new (string, Action<Utf8JsonWriter>)[count];
        for (var i = 0; i < count; i++)
        {
            var tx = raw[from + i];
            calls[i] = ("eth_sendRawTransaction", w => w.WriteStringValue(tx));
        }
        foreach (var outcome in await rpc.BatchAsync(calls).ConfigureAwait(false))
            if (outcome.Error is { } error) throw new InvalidOperationException("eth_sendRawTransaction: " + error);
    }

    internal static async Task<Address> DeployAsync(RpcConnection rpc, SignedLoad load)
    {
        var (raw, contract) = load.Deploy(SimpleStorage.Create(1));
        var hash = (await rpc.CallAsync("eth_sendRawTransaction", w => w.WriteStringValue(raw)).ConfigureAwait(false)).GetString()!;
        await ReceiptAsync(rpc, hash).ConfigureAwait(false);
        return contract;
    }

    internal static async Task<JsonElement> ReceiptAsync(RpcConnection rpc, string hash)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < 120)
        {
            var receipt = await rpc.CallAsync("eth_getTransactionReceipt", w => w.WriteStringValue(hash)).ConfigureAwait(false);
            if (receipt.ValueKind != JsonValueKind.Null) return receipt;
            await Task.Delay(5).ConfigureAwait(false);
        }
        throw new InvalidOperationException($"{hash} has no receipt after 120 s");
    }

    internal static async Task CountMinedAsync(RpcConnection rpc, ulong from, Action<int> mined, CancellationToken stop)
    {
        var next = from + 1;
        while (!stop.IsCancellationRequested)
        {
            var head = await rpc.QuantityAsync("eth_blockNumber", _ => { }).ConfigureAwait(false);
            for (; next <= head; next++)
                mined((int)await rpc.QuantityAsync("eth_getBlockTransactionCountByNumber", w => w.WriteStringValue(Hex.Quantity(next)))
                    .ConfigureAwait(false));
            await Task.Delay(5, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <returns>How many of the load's transactions are not mined after two minutes without progress.</returns>
    private async Task<long> WaitMinedAsync(RpcConnection rpc, SignedLoad load, string what, string[] raw, int sent)
    {
        _ = raw;
        var clock = Stopwatch.StartNew();
        var before = -1L;
        while (true)
        {
            var mined = 0L;
            foreach (var (address, _) in load.Expected)
                mined += (long)await rpc.QuantityAsync("eth_getTransactionCount",
                    w => { w.WriteStringValue(address.ToString()); w.WriteStringValue("latest"); }).ConfigureAwait(false);
            mined--; // the deployment
            if (mined >= sent) return 0;
            if (mined != before) clock.Restart();
            before = mined;
            if (clock.Elapsed.TotalSeconds > 120)
            {
                Console.WriteLine($"{what}: {sent - mined} of {sent} transactions are not mined");
                return sent - mined;
            }
            await Task.Delay(20).ConfigureAwait(false);
        }
    }

    private double CpuSeconds() => network.Participants.Sum(participant => Enum.GetValues<ServiceKind>()
        .Select(kind => new ServiceProcess(participant, kind).RunningPid).OfType<int>().Sum(ProcessFigures.CpuSeconds));

    private static void Report(string what, List<double> milliseconds)
    {
        milliseconds.Sort();
        double At(double share) => milliseconds[(int)(share * (milliseconds.Count - 1))];
        Console.WriteLine($"{what}: p50 {At(0.5):F1} ms, p95 {At(0.95):F1} ms, max {At(1):F1} ms");
    }
}
