using System.Diagnostics;
using System.Text.Json.Nodes;

namespace QuorumMesh.EndToEnd.Dapps;

/// <summary>A dApp's program, run with the network's first participant as its node and the second as its recipient.</summary>
internal static class ExampleProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The lines of JSON that a program printed.</summary>
    public static async Task<IReadOnlyList<JsonNode>> RunAsync(LocalNetwork network, string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["RPC_URL"] = network.Definition.Participants[0].Rpc;
        start.Environment["ACCOUNT"] = network.Definition.Participants[0].Account;
        start.Environment["RECIPIENT"] = network.Definition.Participants[1].TxManagerKey;
        start.Environment["EXAMPLES"] = Directories.Examples;
        using var process = Process.Start(start)!;
        using var timeout = new CancellationTokenSource(Patience);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        Assert.True(process.ExitCode == 0, $"{command} {string.Join(' ', arguments)}: {await output}{await error}");
        return [.. (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
