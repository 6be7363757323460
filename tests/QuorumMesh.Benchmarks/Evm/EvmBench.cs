using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using QuorumMesh.Benchmarks.Network;

namespace QuorumMesh.Benchmarks.Evm;

/// <summary>
/// Byte codes of a directory (NAME.hex with expected.txt: case, fork, gas, word) run by the published qmesh, in both tiers, each
/// next to the peers that the environment names, in one run. Ratios are a peer's time over the compiled tier's. Gas and word must
/// be those expected; the figure is the best of several runs in milliseconds.
/// </summary>
internal static class EvmBench
{
    private const int PeerRuns = 4;
    private const string AnvilAddress = "0x00000000000000000000000000000000000c0de0";

    public static async Task<int> RunAsync(string directory)
    {
        var anvil = Environment.GetEnvironmentVariable("BENCH_ANVIL") is { Length: > 0 } url ? new RpcConnection(url) : null;
        var goQuorum = Environment.GetEnvironmentVariable("BENCH_GOQUORUM_EVM") is { Length: > 0 } path ? path : null;
        Console.WriteLine($"{"case",-22}{"Mgas",10}{"interp. ms",12}{"compiled ms",12}{"Mgas/s",10}"
            + $"{(anvil is null ? "" : $"{"anvil ms",12}{"ratio",8}")}"
            + $"{(goQuorum is null ? "" : $"{"evm ms",12}{"ratio",8}{"interp.",8}")}");
        var wrong = 0;
        foreach (var line in File.ReadLines(Path.Combine(directory, "expected.txt"))
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(p => p.Length == 4))
        {
            var code = (await File.ReadAllTextAsync(Path.Combine(directory, line[0] + ".hex")).ConfigureAwait(false)).Trim();
            var interpreted = Own(code, line[1], "interpreter");
            var ours = Own(code, line[1], "compiled");
            var right = ours.Gas == ulong.Parse(line[2], CultureInfo.InvariantCulture) && ours.Output == line[3]
                && (interpreted.Gas, interpreted.Output) == (ours.Gas, ours.Output);
            if (!right) wrong++;
            var row = $"{line[0] + (line[1] == "byzantium" ? "" : " " + line[1]),-22}{ours.Gas / 1e6,10:F1}"
                + $"{interpreted.Milliseconds,12:F1}{ours.Milliseconds,12:F1}{ours.Gas / ours.Milliseconds / 1000,10:F0}";
            if (anvil is not null) row += Ratio(await AnvilAsync(anvil, code, line[3]).ConfigureAwait(false), ours.Milliseconds);
            if (goQuorum is not null) row += Ratio(GoQuorum(goQuorum, code), ours.Milliseconds, interpreted.Milliseconds);
            Console.WriteLine(row + (right ? "" : "  WRONG gas or word"));
        }
        return wrong == 0 ? 0 : 1;
    }

    private static string Ratio(double peer, double own, double interpreted) => $"{Ratio(peer, own)}{peer / interpreted,7:F2}x";

    private static string Ratio(double peer, double own) => $"{peer,12:F1}{peer / own,7:F2}x";

    private static (ulong Gas, string Output, double Milliseconds) Own(string code, string fork, string tier)
    {
        var root = Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS") ?? "artifacts";
        using var json = JsonDocument.Parse(
            Run(Path.Combine(root, "qmesh", "qmesh"), "evm", "run", "--code", code, "--fork", fork, "--tier", tier, "--bench",
            "--json").Output);
        return (json.RootElement.GetProperty("gasUsed").GetUInt64(), json.RootElement.GetProperty("output").GetString()!,
            json.RootElement.GetProperty("ms").GetDouble());
    }

    private static async Task<double> AnvilAsync(RpcConnection anvil, string code, string word)
    {
        await anvil.CallAsync("anvil_setCode", w =>
        {
            w.WriteStringValue(AnvilAddress);
            w.WriteStringValue("0x" + code);
        }).ConfigureAwait(false);
        var best = double.MaxValue;
        for (var run = 0; run < PeerRuns; run++)
        {
            var clock = Stopwatch.StartNew();
            var result = await anvil.CallAsync("eth_call", w =>
            {
                w.WriteStartObject();
                w.WriteString("to", AnvilAddress);
                w.WriteString("gas", "0x2540be400");
                w.WriteEndObject();
                w.WriteStringValue("latest");
            }).ConfigureAwait(false);
            best = Math.Min(best, clock.Elapsed.TotalMilliseconds);
            if (result.GetString() != word) throw new InvalidOperationException($"anvil answers {result.GetString()} instead of {word}");
        }
        return best;
    }

    /// <summary>geth's evm prints its own time with --statdump: "evm execution time: 986.5ms".</summary>
    private static double GoQuorum(string program, string code)
    {
        var best = double.MaxValue;
        for (var run = 0; run < PeerRuns; run++)
        {
            var (output, errors) = Run(program, "--code", code, "--gas", "10000000000", "--statdump", "run");
            var line = (output + "\n" + errors).Split('\n').FirstOrDefault(l => l.Contains("execution time", StringComparison.Ordinal))
                ?? throw new InvalidOperationException($"{program} printed no execution time: BENCH_GOQUORUM_EVM must name GoQuorum's evm");
            best = Math.Min(best, GoDuration(line[(line.LastIndexOf(':') + 1)..].Trim()));
        }
        return best;
    }

    private static double GoDuration(string text) =>
        text.EndsWith("µs", StringComparison.Ordinal) ? double.Parse(text[..^2], CultureInfo.InvariantCulture) / 1000
        : text.EndsWith("ms", StringComparison.Ordinal) ? double.Parse(text[..^2], CultureInfo.InvariantCulture)
        : double.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture) * 1000;

    private static (string Output, string Errors) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output, errors.GetAwaiter().GetResult());
    }
}
