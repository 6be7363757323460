using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Node;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.Primitives;
using QuorumMesh.State.Store;

namespace QuorumMesh.Benchmarks;

/// <summary>Accounts of a kept state (BENCH_STATE of `bench blocks`) that are in none of the state's own caches.</summary>
internal sealed class StateReadBench(string folder, int accounts, int reads, int cache)
{
    private const int Together = 2_000;
    private readonly LinearRandom _random = new((uint)Environment.TickCount);

    public void Run()
    {
        var kept = new KeptState(Path.Combine(folder, $"accounts-{accounts}"));
        using var store = RocksKeyValueStore.Open(kept.Folder, new CacheSizes(cache).Database());
        var options = new StateStoreOptions { NodeCacheBytes = 64 << 20, FlatCacheEntries = 4 * Together };
        var alone = new StateStore(store, "public", options);
        var onCores = new StateStore(store, "public", options with { SplitWork = Cores.Split });
        for (var pass = 1; pass <= 2; pass++)
        {
            Report(pass, "one by one", () => OneByOne(alone));
            Report(pass, $"{Together} at a time, one core", () => InGroups(alone));
            Report(pass, $"{Together} at a time, all cores", () => InGroups(onCores));
        }
    }

    private void OneByOne(StateStore state)
    {
        for (var i = 0; i < reads; i++) _ = state.Head.GetAccount(Next());
    }

    private void InGroups(StateStore state)
    {
        for (var i = 0; i < reads; i += Together) state.ReadAhead(Enumerable.Range(0, Together).Select(_ => Next()), []);
    }

    private Address Next() => BenchAccount.At(_random.Below(accounts));

    private void Report(int pass, string how, Action run)
    {
        var (clock, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        run();
        var used = Environment.CpuUsage.TotalTime - cpu;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"reads: {accounts:N0} accounts, pass {pass}, {how}: "
            + $"{clock.Elapsed.TotalMicroseconds / reads:F1} us each, CPU {used.TotalMicroseconds / reads:F1}"));
    }
}
