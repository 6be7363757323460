using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Cli.Evm;

/// <summary><c>qmesh evm run</c>: runs byte code in an empty state. Gas is that of the execution alone, before refunds.</summary>
internal static class EvmRunCommand
{
    private const ulong DefaultGas = 10_000_000_000;
    // Long enough for the runtime to have optimised what it runs, and for a quiet moment on a shared machine.
    private const int BenchRuns = 7;
    private static readonly TimeSpan _benchLeast = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan _benchMost = TimeSpan.FromSeconds(10);
    private static readonly Address _sender = Address.Parse("0x0000000000000000000000000000000073656e64");
    private static readonly Address _contract = Address.Parse("0x00000000000000000000000000000000636f6465");

    public static Command Create()
    {
        var code = new Option<string>("--code") { Description = "Byte code, hex", Required = true };
        var input = new Option<string>("--input") { Description = "Call data, hex", DefaultValueFactory = _ => "" };
        var gas = new Option<ulong>("--gas") { Description = "Gas limit", DefaultValueFactory = _ => DefaultGas };
        var fork = new Option<string>("--fork") { Description = "Rule set, frontier to osaka", DefaultValueFactory = _ => "cancun" };
        var tier = new Option<string>("--tier") { Description = "auto, interpreter or compiled", DefaultValueFactory = _ => "auto" };
        var bench = new Option<bool>("--bench") { Description = "Repeat and print gas, best time and Mgas/s" };
        var json = new Option<bool>("--json") { Description = "Print one line of JSON" };
        var trace = new Option<bool>("--trace") { Description = "Print each step as a line of JSON (EIP-3155), then the result" };
        var command = new Command("run", "Run byte code");
        foreach (Option option in new Option[] { code, input, gas, fork, tier, bench, json, trace }) command.Options.Add(option);
        command.SetAction(r =>
        {
            EvmTier chosen = ParseTier(r.GetValue(tier)!);
            var codes = new CodeCache { Hot = hot => ThreadPool.QueueUserWorkItem(_ => hot.Compile()) };
            var run = new ByteCodeRun(ParseHex(r.GetValue(code)!, "--code"), ParseHex(r.GetValue(input)!, "--input"), r.GetValue(gas),
                ForkNames.Parse(r.GetValue(fork)!), chosen, codes);
            if (!r.GetValue(trace)) return Execute(run, r.GetValue(bench), r.GetValue(json));
            if (r.GetValue(bench) || r.GetValue(json)) throw new CommandException("--trace goes with neither --bench nor --json");
            return Measure(run, new TraceWriter(Console.Out)).Result.IsSuccess ? 0 : 1;
        });
        return command;
    }

    public static EvmTier ParseTier(string tier) => tier switch
    {
        "auto" => EvmTier.Auto,
        "interpreter" => EvmTier.Interpreter,
        "compiled" => EvmTier.Compiled,
        _ => throw new CommandException($"unknown tier '{tier}': use auto, interpreter or compiled"),
    };

    private static byte[] ParseHex(string text, string option) => Hex.TryFromHex(text.Trim(), out byte[]? bytes)
        ? bytes
        : throw new CommandException($"{option} is not hex: it takes an even number of hex digits, with or without 0x");

    private static int Execute(ByteCodeRun run, bool bench, bool json)
    {
        (EvmResult result, double best) = Measure(run);
        var total = Stopwatch.StartNew();
        for (int i = 1; bench && (i < BenchRuns || total.Elapsed < _benchLeast) && total.Elapsed < _benchMost; i++)
            best = Math.Min(best, Measure(run).Milliseconds);
        ulong used = run.Gas - result.GasLeft;
        double speed = best > 0 ? used / best / 1000 : 0;
        string output = Hex.ToHex(result.Output);
        if (json)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"gasUsed\":{used},\"output\":\"{output}\",\"ms\":{best:0.###},\"mgasPerSecond\":{speed:0.#}}}"));
        else if (bench)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"gas {used}, best {best:0.###} ms, {speed:0.#} Mgas/s"));
        else Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}\ngas used {used}"));
        if (result.IsSuccess) return 0;
        Console.Error.WriteLine($"qmesh: execution failed: {result.Status}");
        return 1;
    }

    private static (EvmResult Result, double Milliseconds) Measure(ByteCodeRun run, IEvmTracer? tracer = null)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetBalance(_sender, UInt256.MaxValue >> 1);
        state.SetCode(_contract, run.Code);
        state.BeginTransaction();
        state.WarmAddress(_sender);
        state.WarmAddress(_contract);
        foreach (Address precompile in PrecompileTable.Addresses(run.Fork)) state.WarmAddress(precompile);
        var block = new BlockContext { GasLimit = run.Gas, Number = 1, PrevRandao = run.Fork >= Fork.Paris ? Hash256.Zero : null };
        var machine = new EvmMachine(block, run.Fork, EvmOptions.Default with { Tier = run.Tier, Code = run.Codes });
        var clock = Stopwatch.StartNew();
        EvmResult result = machine.Call(_sender, default, _sender, _contract, run.Input, run.Gas, default, state, state, tracer);
        return (result, clock.Elapsed.TotalMilliseconds);
    }

    private sealed record ByteCodeRun(byte[] Code, byte[] Input, ulong Gas, Fork Fork, EvmTier Tier, CodeCache Codes);
}
