using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>
/// Many programs interpreted, compiled and in between, on several threads. What a program is and does depends on seed and index
/// alone.
/// </summary>
public sealed class FuzzCampaign(FuzzSettings settings, TextWriter log)
{
    private const ulong ScarcePurpose = 1000;

    private readonly ConcurrentBag<FuzzFailure> _failures = [];
    private readonly long[] _current = new long[settings.Threads];
    private readonly long[] _since = new long[settings.Threads];
    private readonly Lock _gate = new();
    private long _nextGroup = (long)(settings.First / ProgramGroup.Size);
    private long _programs;
    private long _runs;
    private long _succeeded;
    private long _gas;
    private long _takenOver;
    private volatile bool _stopped;

    public IReadOnlyCollection<FuzzFailure> Failures => _failures;

    public long Programs => Interlocked.Read(ref _programs);

    /// <summary>True when all programs gave the same in both tiers.</summary>
    public bool Run()
    {
        var clock = Stopwatch.StartNew();
        Thread[] workers = [.. Enumerable.Range(0, settings.Threads)
            .Select(i => new Thread(() => Work(i), 16 << 20) { IsBackground = true })];
        foreach (Thread worker in workers) worker.Start();
        TimeSpan lastReport = TimeSpan.Zero;
        while (workers.Any(w => w.IsAlive))
        {
            workers.First(w => w.IsAlive).Join(200);
            if (HangsAt() is { } index)
            {
                _failures.Add(new FuzzFailure(index, $"the program hangs: no end within {settings.Patience}", FirstCase(index)));
                Report(_failures.First(f => f.Index == index));
                break;
            }

            if (clock.Elapsed - lastReport < TimeSpan.FromSeconds(15)) continue;
            lastReport = clock.Elapsed;
            Progress(clock.Elapsed);
        }

        Progress(clock.Elapsed);
        return _failures.IsEmpty;
    }

    private void Progress(TimeSpan elapsed)
    {
        long programs = Interlocked.Read(ref _programs);
        log.WriteLine($"{programs:N0} of {settings.Programs:N0} programs, {Interlocked.Read(ref _runs):N0} runs each way "
            + $"({100.0 * _succeeded / Math.Max(1, _runs):F0} % end well, "
            + $"{_gas / (double)Math.Max(1, _runs):N0} gas each; {Interlocked.Read(ref _takenOver):N0} frames taken over), "
                + $"{programs / elapsed.TotalSeconds:N0} programs/s, {JitInfo.GetCompiledMethodCount():N0} methods compiled in "
            + $"{JitInfo.GetCompilationTime().TotalSeconds:F0} s, {elapsed.TotalSeconds:F0} s, {_failures.Count} failures");
    }

    private ulong? HangsAt()
    {
        for (int i = 0; i < _since.Length; i++)
        {
            long since = Interlocked.Read(ref _since[i]);
            if (since != 0 && Stopwatch.GetElapsedTime(since) > settings.Patience) return (ulong)Interlocked.Read(ref _current[i]);
        }

        return null;
    }

    private FuzzCase FirstCase(ulong index)
    {
        var group = new ProgramGroup(settings.Seed, index / ProgramGroup.Size);
        return group.Case(index, 0, group.Program(index));
    }

    private void Work(int worker)
    {
        var runner = new CaseRunner();
        ulong end = settings.First + settings.Programs;
        while (!_stopped)
        {
            ulong number = (ulong)(Interlocked.Increment(ref _nextGroup) - 1);
            if (number * ProgramGroup.Size >= end) break;
            var group = new ProgramGroup(settings.Seed, number);
            for (ulong i = 0; i < ProgramGroup.Size && !_stopped; i++)
            {
                ulong index = number * ProgramGroup.Size + i;
                if (index < settings.First || index >= end) continue;
                Interlocked.Exchange(ref _current[worker], (long)index);
                Interlocked.Exchange(ref _since[worker], Stopwatch.GetTimestamp());
                long takenOver = runner.TakenOver;
                RunProgram(runner, group, index);
                Interlocked.Increment(ref _programs);
                Interlocked.Add(ref _takenOver, runner.TakenOver - takenOver);
            }
        }

        Interlocked.Exchange(ref _since[worker], 0);
    }

    private void RunProgram(CaseRunner runner, ProgramGroup group, ulong index)
    {
        byte[] program = group.Program(index);
        FuzzRandom random = FuzzRandom.For(settings.Seed, ScarcePurpose, index);
        for (int run = 0; run < settings.RunsPerProgram; run++)
        {
            FuzzCase ample = group.Case(index, run, program);
            if (!Holds(runner, ample, index, out ulong used)) return;
            if (!Holds(runner, ample with { Gas = ProgramGroup.ScarceGas(random, used) }, index, out _)) return;
        }
    }

    private bool Holds(CaseRunner runner, FuzzCase fuzzCase, ulong index, out ulong used)
    {
        string? difference = runner.Compare(fuzzCase, out used, out EvmStatus status);
        Interlocked.Increment(ref _runs);
        if (status == EvmStatus.Success) Interlocked.Increment(ref _succeeded);
        Interlocked.Add(ref _gas, (long)used);
        if (difference is null) return true;
        FuzzCase smallest = new Minimiser(runner).Shrink(fuzzCase);
        var failure = new FuzzFailure(index, runner.Compare(smallest, out _, out _) ?? difference, smallest);
        _failures.Add(failure);
        Report(failure);
        if (_failures.Count >= settings.MostFailures) _stopped = true;
        return false;
    }

    private void Report(FuzzFailure failure)
    {
        lock (_gate)
        {
            FuzzCase c = failure.Case;
            log.WriteLine($"FAILURE of program {failure.Index} of seed {settings.Seed} "
                + $"({c.Fork}{(c.IsQuorum ? ", GoQuorum" : "")}{(c.HasTightLimits ? ", tight limits" : "")}"
                + $"{(c.Private is null ? "" : ", two states")}, {c.Gas} gas):"
                + $" {failure.Difference}");
            foreach (FuzzAccount account in c.Public.Where(a => a.Code.Length > 0))
                log.WriteLine($"  code of {account.Address}: {Hex.ToHex(account.Code)}");
            foreach (FuzzAccount account in c.Private?.Where(a => a.Code.Length > 0) ?? [])
                log.WriteLine($"  private code of {account.Address}: {Hex.ToHex(account.Code)}");
            log.WriteLine($"  call {(c.To is { } to ? to.ToString() : "creation")}, value {c.Value}, input {Hex.ToHex(c.Input)}");
            log.WriteLine($"  again: FUZZ_SEED={settings.Seed} FUZZ_FIRST={failure.Index} FUZZ_PROGRAMS=1 make fuzz");
            if (settings.Output is not { } directory) return;
            Directory.CreateDirectory(directory);
            string path = Path.Combine(directory, $"seed{settings.Seed}-program{failure.Index}.json");
            File.WriteAllText(path, CaseFile.Write(c));
            log.WriteLine($"  written to {path}");
        }
    }
}
