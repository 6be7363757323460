using QuorumMesh.Benchmarks;
using QuorumMesh.Benchmarks.Evm;
using QuorumMesh.Benchmarks.Import;
using QuorumMesh.Benchmarks.Network;
using QuorumMesh.Benchmarks.Recovery;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;

// Published binaries of `make publish`, found by QUORUMMESH_ARTIFACTS.
string? Setting(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
int Number(int index, int otherwise) => args.Length > index ? int.Parse(args[index]) : otherwise;

NativeHeap.Limit();
switch (args.FirstOrDefault())
{
    case "network" when args.ElementAtOrDefault(1) is "ibft" or "qbft":
        await new BftFigures(args[1], Number(2, 3), Number(3, 20_000), Number(4, 2_000)).RunAsync().ConfigureAwait(false);
        return 0;
    case "network":
        await NetworkFigures.RunAsync(Number(1, 60), Number(2, 10), Number(3, 20_000)).ConfigureAwait(false);
        return 0;
    case "bursts":
        return await NetworkFigures.RunBurstsAsync(Number(1, 20), Number(2, 20_000)).ConfigureAwait(false) == 0 ? 0 : 1;
    case "private":
        await new PrivateFigures(Number(1, 3), Number(2, 8)).RunAsync().ConfigureAwait(false);
        return 0;
    case "followers":
        await new FollowerFigures(Setting("BENCH_BEFORE"), Number(1, 3), Number(2, 30_000)).RunAsync().ConfigureAwait(false);
        return 0;
    case "compare":
        await new NetworkComparison(Setting("BENCH_GOQUORUM"), Number(1, 3), Number(2, 20_000)).RunAsync().ConfigureAwait(false);
        return 0;
    case "start":
        await new StartFigures(Setting("BENCH_GOQUORUM"), Setting("BENCH_BEFORE"), Number(1, 3), Number(2, 100_000)).RunAsync()
            .ConfigureAwait(false);
        return 0;
    case "recover":
        using (var recovery = new RecoveryBench(Number(1, 100_000), Number(2, 256)))
            await recovery.RunAsync().ConfigureAwait(false);
        return 0;
    case "profile":
        return await LeaderProfile.RunAsync(Number(1, 40_000)).ConfigureAwait(false);
    case "evm" when args.Length == 2:
        return await EvmBench.RunAsync(args[1]).ConfigureAwait(false);
    case "state":
        Console.WriteLine(StateCommit.Run(Directory.CreateTempSubdirectory("qmesh-bench-").FullName));
        return 0;
    case "blocks":
        BlockExecutionBench.RunAll(args.Length > 1 ? [Number(1, 0)] : [10_000, 100_000, 1_000_000], Number(2, 64_000),
            args.Length > 3 ? [Number(3, 0)] : [1_000, 4_000, 16_000], Number(4, 1024), args.Contains("alone"),
            Setting("BENCH_STATE"));
        return 0;
    case "reads" when Setting("BENCH_STATE") is { } state:
        new StateReadBench(state, Number(1, 1_000_000), Number(2, 100_000), Number(3, 1024)).Run();
        return 0;
    case "import" or "replay":
        return ImportBench.Run(Number(1, 100_000), Number(2, 3), Number(3, 1024), args.ElementAtOrDefault(4), replays: args[0] == "replay");
    case "import-make" when args.Length == 4:
        return ImportBench.Make(args[1], Number(2, 0), Number(3, 0));
    case "sync-make" when args.Length == 4:
        return ImportBench.Make(args[1], Number(2, 0), Number(3, 0), isIbft: true);
    case "sync":
        await new SyncBench(Environment.GetEnvironmentVariable("BENCH_GOQUORUM") is { Length: > 0 } theirs ? theirs : null,
            Number(1, 20_000), Number(2, 10), args.ElementAtOrDefault(3)).RunAsync().ConfigureAwait(false);
        return 0;
    default:
        Console.Error.WriteLine("usage: bench network [seconds] [bursts] [burst size] | bench bursts [bursts] [burst size] "
            + "| bench network ibft|qbft [rounds] [transactions] [in flight] | bench private [alternating runs] [seconds] "
            + "| bench followers [alternating runs] [transactions] "
            + "| bench compare [alternating runs] [transactions] | bench profile [transactions] "
            + "| bench start [runs] [transactions] | bench recover [payloads] [bytes of each] "
            + "| bench evm DIRECTORY | bench state | bench blocks "
            + "[accounts] [transactions in each case] [transactions in a block] [megabytes of cache] [alone] "
            + "| bench reads [accounts] [reads] [megabytes of cache] | bench import|replay "
            + "[blocks] [transactions in a block] [megabytes of cache] [file to make or use] | bench sync [blocks] "
            + "[transactions in a block] [file to make or use]");
        return 2;
}
