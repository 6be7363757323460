using System.Text.Json;
using QuorumMesh.Cli.Evm;

namespace QuorumMesh.Cli.Tests;

public sealed class EvmRunTests
{
    [Theory]
    // 1 + 2 returned as a word
    [InlineData("--code 600160020160005260206000f3", "0x0000000000000000000000000000000000000000000000000000000000000003", 24)]
    // the input's first word comes back
    [InlineData("--code 0x60003560005260206000f3 --input 0x00000000000000000000000000000000000000000000000000000000000000ff",
        "0x00000000000000000000000000000000000000000000000000000000000000ff", 21)]
    [InlineData("--code 00", "0x", 0)]
    [InlineData("--code 5f5ff3 --fork shanghai", "0x", 4)]
    public void Runs_and_tells_output_and_gas(string arguments, string output, ulong gas)
    {
        var (exit, text) = Run(arguments + " --json");
        Assert.Equal(0, exit);
        using var json = JsonDocument.Parse(text);
        Assert.Equal((output, gas),
            (json.RootElement.GetProperty("output").GetString(), json.RootElement.GetProperty("gasUsed").GetUInt64()));
        Assert.True(json.RootElement.TryGetProperty("ms", out _) && json.RootElement.TryGetProperty("mgasPerSecond", out _));
    }

    [Theory]
    [InlineData("--code fe")]
    [InlineData("--code 60006000fd")]
    [InlineData("--code 5f --fork berlin")]
    [InlineData("--code 5b600056 --gas 10000")]
    public void A_failed_run_has_exit_code_1(string arguments) => Assert.Equal(1, Run(arguments).Exit);

    [Theory]
    [InlineData("--code 6", "--code")]
    [InlineData("--code 00 --input xy", "--input")]
    [InlineData("--code 00 --fork pangaea", "pangaea")]
    [InlineData("--code 00 --tier quantum", "quantum")]
    [InlineData("--code 00 --trace --bench", "--bench")]
    public void Bad_arguments_are_named(string arguments, string named) =>
        Assert.Contains(named, Assert.Throws<CommandException>(() => Run(arguments)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_trace_is_a_line_of_JSON_a_step()
    {
        var (exit, text) = Run("--code 600160020160005260fffe --fork berlin --gas 1000 --trace");
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(1, exit);
        Assert.Equal(["PUSH1", "PUSH1", "ADD", "PUSH1", "MSTORE", "PUSH1", "INVALID"],
            lines.SkipLast(1).Select(l => l.GetProperty("opName").GetString()));
        Assert.Equal((2, "0x3dc", "0x6", 32, 1),
            (lines[4].GetProperty("stack").GetArrayLength(), lines[4].GetProperty("gas").GetString(),
            lines[4].GetProperty("gasCost").GetString(),
            lines[4].GetProperty("memSize").GetInt32(), lines[4].GetProperty("depth").GetInt32()));
        Assert.Equal("0x3", lines[4].GetProperty("stack")[0].GetString());
        Assert.Equal((false, "0x3e8", "InvalidOpcode"),
            (lines[^1].GetProperty("pass").GetBoolean(), lines[^1].GetProperty("gasUsed").GetString(),
            lines[^1].GetProperty("error").GetString()));
    }

    private static (int Exit, string Output) Run(string arguments)
    {
        var (before, captured) = (Console.Out, new StringWriter());
        Console.SetOut(captured);
        try
        {
            var exit = EvmRunCommand.Create().Parse(arguments)
                .Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
            return (exit, captured.ToString());
        }
        finally
        {
            Console.SetOut(before);
        }
    }
}
