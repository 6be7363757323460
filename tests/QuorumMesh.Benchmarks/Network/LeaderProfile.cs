using System.Diagnostics;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// Where the CPU time of a node under load goes: <c>perf</c> samples the leader of our network while it takes calls of <c>set(x)</c>, and
/// the shares are printed by function. Needs perf, and the rights to record.
/// </summary>
internal static class LeaderProfile
{
    private const int SamplesPerSecond = 499;

    /// <param name="transactions">Of the load that warms it up, and of the one that is sampled.</param>
    public static async Task<int> RunAsync(int transactions)
    {
        // The services inherit them: without them perf finds no names for what .NET has compiled, ahead or not. Code that is mapped twice
        // (W^X) belongs to a file for perf, and is not looked up in the map.
        Environment.SetEnvironmentVariable("DOTNET_PerfMapEnabled", "1");
        Environment.SetEnvironmentVariable("DOTNET_EnableWriteXorExecute", "0");
        Environment.SetEnvironmentVariable("DOTNET_ReadyToRun", "0");
        await using var network = new OurNetwork();
        var url = await network.StartAsync().ConfigureAwait(false);
        using var rpc = new RpcConnection(url);
        var load = new SignedLoad(network.ChainId, NetworkComparison.Accounts);
        var contract = await NetworkComparison.DeployAsync(rpc, load).ConfigureAwait(false);
        await new InFlightLoad(rpc, load.Sets(contract, transactions)).RunAsync().ConfigureAwait(false);
        var sampled = new InFlightLoad(rpc, load.Sets(contract, transactions));
        var file = Path.Combine(Path.GetTempPath(), $"qmesh-{Environment.ProcessId}.perf");
        try
        {
            using var perf = Start("record", "-F", $"{SamplesPerSecond}", "-g", "-p", $"{network.LeaderPid}", "-o", file);
            await sampled.RunAsync().ConfigureAwait(false);
            using (Process.Start("kill", ["-INT", $"{perf.Id}"])) await perf.WaitForExitAsync().ConfigureAwait(false);
            if (!File.Exists(file))
            {
                Console.Error.WriteLine("perf recorded nothing: is it allowed to (kernel.perf_event_paranoid)? Its output is above");
                return 1;
            }
            await PrintAsync(file).ConfigureAwait(false);
            return 0;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task PrintAsync(string file)
    {
        using var script = Start("script", "-i", file, "-F", "comm,ip,sym,dso");
        var shares = new ProfileShares();
        while (await script.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line) shares.Take(line);
        await script.WaitForExitAsync().ConfigureAwait(false);
        Console.WriteLine($"leader under load, {shares.Samples} samples at {SamplesPerSecond} a second of CPU:");
        foreach (var (what, share) in shares.InOrder()) Console.WriteLine($"{share,6:P1}  {what}");
    }

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("perf", arguments) { RedirectStandardOutput = arguments[0] == "script" })!;
}
