using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>Who sends to whom: each sender has one transaction under way at a time.</summary>
/// <param name="BothWays">From B to A too, with as many senders.</param>
internal sealed record PrivateCase(string Name, int Senders, bool BothWays);

/// <summary>What one load of private transactions gave.</summary>
/// <param name="Rate">Mined a second, from the first that is sent to the block with the last.</param>
/// <param name="Cpu">Seconds for 1,000 of them by kind of service, of all participants, until all private heads have followed.</param>
/// <param name="Times">Milliseconds from sending to the block with it at its sender, in order of their length.</param>
/// <param name="Refused">How many, by reason.</param>
internal sealed record PrivateResult(
    double Rate, IReadOnlyDictionary<ServiceKind, double> Cpu, IReadOnlyList<double> Times, IReadOnlyDictionary<string, int> Refused);

/// <summary>Private <c>set(x)</c> between A and B of a network of three, from the accounts that their nodes hold.</summary>
internal sealed class PrivateLoad(OurNetwork network) : IDisposable
{
    private const int MostSenders = 64;
    private static readonly TimeSpan NoProgress = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(3);

    private readonly RpcConnection[] _rpc = [.. network.Members.Select(p => new RpcConnection(p.Rpc, MostSenders))];
    private readonly string[] _contracts = new string[2];
    private int _value;

    public void Dispose()
    {
        foreach (var rpc in _rpc) rpc.Dispose();
    }

    /// <summary>A contract of A's with B and one of B's with A.</summary>
    public async Task DeployAsync()
    {
        for (var from = 0; from < _contracts.Length; from++)
        {
            var sent = await SendAsync(from, null, SimpleStorage.Create(1)).ConfigureAwait(false);
            var hash = sent.Result?.GetString() ?? throw new InvalidOperationException($"the private contract is refused: {sent.Error}");
            _contracts[from] = (await NetworkBench.ReceiptAsync(_rpc[from], hash).ConfigureAwait(false))
                .GetProperty("contractAddress").GetString()!;
        }
    }

    public async Task<PrivateResult> RunAsync(PrivateCase load, TimeSpan time)
    {
        int[] ways = load.BothWays ? [0, 1] : [0];
        await SettleAsync().ConfigureAwait(false);
        var watches = ways.Select(from => new BlockWatch(_rpc[from])).ToArray();
        foreach (var watch in watches) await watch.StartAsync().ConfigureAwait(false);
        var (sent, refused) = (new ConcurrentBag<Sent>(), new ConcurrentDictionary<string, int>());
        var cpu = network.CpuByKind();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(ways.SelectMany(from => Enumerable.Range(0, load.Senders).Select(async _ =>
        {
            while (clock.Elapsed < time) await SendOneAsync(from, sent, refused).ConfigureAwait(false);
        }))).ConfigureAwait(false);
        var last = 0L;
        foreach (var (watch, from) in watches.Zip(ways))
            last = Math.Max(last, await watch.EndAsync([.. sent.Where(s => s.From == from).Select(s => s.Hash)]).ConfigureAwait(false));
        await SettleAsync().ConfigureAwait(false);
        var used = network.CpuByKind().ToDictionary(k => k.Key, k => (k.Value - cpu[k.Key]) / sent.Count * 1000);
        var seconds = Stopwatch.GetElapsedTime(sent.Min(s => s.At), last).TotalSeconds;
        double[] times = [.. sent.Select(s => Stopwatch.GetElapsedTime(s.At, watches[s.From].Mined[s.Hash]).TotalMilliseconds).Order()];
        return new PrivateResult(sent.Count / seconds, used, times, refused);
    }

    private async Task SendOneAsync(int from, ConcurrentBag<Sent> sent, ConcurrentDictionary<string, int> refused)
    {
        var at = Stopwatch.GetTimestamp();
        var data = SimpleStorage.Set((ulong)Interlocked.Increment(ref _value));
        var outcome = await SendAsync(from, _contracts[from], data).ConfigureAwait(false);
        if (outcome.Result?.GetString() is { } hash) sent.Add(new Sent(from, hash, at));
        else refused.AddOrUpdate(outcome.Error ?? "without a reason", 1, static (_, count) => count + 1);
    }

    private Task<RpcOutcome> SendAsync(int from, string? to, string data) => CallAsync(_rpc[from], "eth_sendTransaction", w =>
    {
        w.WriteStartObject();
        w.WriteString("from", network.Members[from].Account);
        if (to is not null) w.WriteString("to", to);
        w.WriteString("data", data);
        w.WriteString("gas", "0x47b760");
        w.WriteStartArray("privateFor");
        w.WriteStringValue(network.Members[1 - from].TxManagerKey);
        w.WriteEndArray();
        w.WriteEndObject();
    });

    private static async Task<RpcOutcome> CallAsync(RpcConnection rpc, string method, Action<Utf8JsonWriter> parameters) =>
        (await rpc.BatchAsync([(method, parameters)]).ConfigureAwait(false))[0];

    /// <summary>All nodes have the same head, and both parties' private heads are there: they answer a private read of it.</summary>
    private async Task SettleAsync()
    {
        var clock = Stopwatch.StartNew();
        while (!await IsSettledAsync().ConfigureAwait(false))
        {
            if (clock.Elapsed > NoProgress) throw new InvalidOperationException("the private heads do not follow");
            await Task.Delay(20).ConfigureAwait(false);
        }
    }

    private async Task<bool> IsSettledAsync()
    {
        var heads = await Task.WhenAll(_rpc.Select(r => r.QuantityAsync("eth_blockNumber", static _ => { }))).ConfigureAwait(false);
        var reads = await Task.WhenAll(_rpc.Take(2).Select(rpc => CallAsync(rpc, "eth_call", w =>
        {
            w.WriteStartObject();
            w.WriteString("to", _contracts[0]);
            w.WriteString("data", SimpleStorage.Get);
            w.WriteEndObject();
            w.WriteStringValue(Hex.Quantity(heads[0]));
        }))).ConfigureAwait(false);
        return heads.Distinct().Count() == 1 && reads.All(r => r.Result is { ValueKind: JsonValueKind.String });
    }

    private readonly record struct Sent(int From, string Hash, long At);

    /// <summary>When each transaction is in a block of one node, to some milliseconds.</summary>
    private sealed class BlockWatch(RpcConnection rpc)
    {
        private readonly CancellationTokenSource _done = new();
        private Task _looking = Task.CompletedTask;
        private ulong _next;

        public ConcurrentDictionary<string, long> Mined { get; } = new();

        public async Task StartAsync()
        {
            _next = await rpc.QuantityAsync("eth_blockNumber", static _ => { }).ConfigureAwait(false) + 1;
            _looking = Task.Run(LookAsync);
        }

        /// <summary>Waits for these.</summary>
        /// <returns>When the last of them was mined.</returns>
        public async Task<long> EndAsync(IReadOnlyList<string> hashes)
        {
            var (clock, before) = (Stopwatch.StartNew(), -1);
            while (hashes.Count(h => !Mined.ContainsKey(h)) is > 0 and var left && !_looking.IsCompleted)
            {
                if (left != before) clock.Restart();
                before = left;
                if (clock.Elapsed > NoProgress) throw new InvalidOperationException($"{left} of {hashes.Count} are not mined");
                await Task.Delay(20).ConfigureAwait(false);
            }
            await _done.CancelAsync().ConfigureAwait(false);
            await _looking.ConfigureAwait(false);
            _done.Dispose();
            return hashes.Max(h => Mined[h]);
        }

        private async Task LookAsync()
        {
            while (!_done.IsCancellationRequested)
            {
                var head = await rpc.QuantityAsync("eth_blockNumber", static _ => { }).ConfigureAwait(false);
                var now = Stopwatch.GetTimestamp();
                for (; _next <= head; _next++)
                {
                    var block = await rpc.CallAsync("eth_getBlockByNumber", w =>
                    {
                        w.WriteStringValue(Hex.Quantity(_next));
                        w.WriteBooleanValue(false);
                    }).ConfigureAwait(false);
                    foreach (var hash in block.GetProperty("transactions").EnumerateArray()) Mined.TryAdd(hash.GetString()!, now);
                }
                await Task.Delay(LookEvery).ConfigureAwait(false);
            }
        }
    }
}
