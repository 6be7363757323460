using System.CommandLine;
using System.Text.Json;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;

namespace QuorumMesh.Cli.Evm;

/// <summary><c>qmesh evm statetest</c>: the last line is <c>N passed, N failed</c>; exit code 1 when one failed.</summary>
internal static class EvmStateTestCommand
{
    public static Command Create()
    {
        var paths = new Argument<string[]>("path")
        {
            Description = "State test files, or folders to search for them",
            Arity = ArgumentArity.OneOrMore
        };
        var json = new Option<bool>("--json") { Description = "One JSON object per failed case" };
        var fork = new Option<string?>("--fork") { Description = "Only this fork's cases, frontier to osaka" };
        var command = new Command("statetest", "Run public state tests (GeneralStateTests)");
        command.Arguments.Add(paths);
        command.Options.Add(json);
        command.Options.Add(fork);
        var tier = new Option<string>("--tier") { Description = "auto, interpreter or compiled", DefaultValueFactory = _ => "auto" };
        command.Options.Add(tier);
        command.SetAction(result =>
            Run(result.GetValue(paths)!, result.GetValue(fork) is { } name ? ForkNames.Parse(name) : null,
            EvmRunCommand.ParseTier(result.GetValue(tier)!), result.GetValue(json)));
        return command;
    }

    private static int Run(string[] paths, Fork? fork, EvmTier tier, bool json)
    {
        IReadOnlyList<string> files = StateTestRunner.FindFiles(paths);
        if (files.Count == 0) throw new CommandException("no .json files there");
        IReadOnlyList<StateTestResult> results;
        try
        {
            results = StateTestRunner.Run(files, fork, tier);
        }
        catch (AggregateException e) when (e.Flatten().InnerExceptions.All(inner => inner is FormatException or IOException))
        {
            throw new CommandException(e.Flatten().InnerExceptions[0].Message);
        }

        foreach (StateTestResult failed in results.Where(r => r.Failure is not null).OrderBy(r => r.Case.File, StringComparer.Ordinal))
            Print(failed, json);
        if (!json) PrintForks(results);
        int failures = results.Count(r => r.Failure is not null);
        Console.WriteLine($"{results.Count - failures} passed, {failures} failed");
        return failures == 0 ? 0 : 1;
    }

    private static void Print(StateTestResult result, bool json)
    {
        StateTestCase c = result.Case;
        Console.WriteLine(json
            ? JsonSerializer.Serialize(
                new
                {
                    file = c.File,
                    name = c.Name,
                    fork = c.ForkName,
                    data = c.Data,
                    gas = c.Gas,
                    value = c.Value,
                    error = result.Failure
                })
            : $"FAILED {c.File} {c.Name} {c.ForkName} d{c.Data} g{c.Gas} v{c.Value}: {result.Failure}");
    }

    private static void PrintForks(IReadOnlyList<StateTestResult> results)
    {
        foreach (var fork in results.GroupBy(r => r.Case.ForkName)
            .OrderBy(g => ForkNames.TryParse(g.Key, out var f) ? (int)f : int.MaxValue))
            Console.WriteLine($"{fork.Key,-18} {fork.Count(r => r.Failure is null)} of {fork.Count()}");
    }
}
