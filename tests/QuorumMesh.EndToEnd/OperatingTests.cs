using System.Diagnostics;
using System.Text.RegularExpressions;

namespace QuorumMesh.EndToEnd;

/// <summary>What an operator meets: whose files they are, what the services take from the machine, and the README's tutorial.</summary>
[Collection("network")]
public sealed partial class OperatingTests
{
    /// <summary>
    /// With the usual umask of 022 everything would be open to reading. Databases, logs, sockets and what libraries write are
    /// among it.
    /// </summary>
    [Fact]
    public async Task Nothing_of_a_running_network_is_open_to_other_users_and_no_directory_is_watched()
    {
        await using var network = await LocalNetwork.StartAsync(1);
        var hash = await network.Parties[0].SendPrivateAsync(null, Cli.Demo.SimpleStorage.Create(42), [network.Parties[0]],
            CancellationToken.None);
        await network.Parties[0].ReceiptAsync(hash, CancellationToken.None);
        var open = new DirectoryInfo(network.Directory).EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .Where(e => e.Exists && ((int)e.UnixFileMode & 0b111_111) != 0).Select(e => $"{e.FullName} {e.UnixFileMode}");
        Assert.Empty(open);
        foreach (var service in network.Runner.Services)
            Assert.Equal((service.Name, 0), (service.Name, Watches(service.RunningPid!.Value)));
    }

    /// <summary>The runtime settings that docs/performance.md gives figures for.</summary>
    [Fact]
    public void Services_run_without_profile_guided_optimization_and_without_spinning_threads()
    {
        LocalNetwork.UseArtifacts();
        var artifacts = Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS")!;
        foreach (var program in new[] { "node/quorummesh-node", "txmanager/quorummesh-txmanager" })
        {
            using var config = System.Text.Json.JsonDocument.Parse(
                File.ReadAllText(Path.Combine(artifacts, program + ".runtimeconfig.json")));
            var properties = config.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties");
            Assert.False(properties.GetProperty("System.Runtime.TieredPGO").GetBoolean(), program);
            Assert.Equal(0, properties.GetProperty("System.Threading.ThreadPool.UnfairSemaphoreSpinLimit").GetInt32());
            Assert.Equal(512, properties.GetProperty("System.Runtime.TieredCompilation.CallCountThreshold").GetInt32());
        }
    }

    [Fact]
    public void The_enclave_is_machine_code_alone()
    {
        LocalNetwork.UseArtifacts();
        var folder = Path.Combine(Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS")!, "enclave");
        Assert.True(File.Exists(Path.Combine(folder, "quorummesh-enclave")));
        Assert.Empty(Directory.EnumerateFiles(folder, "*.dll"));
    }

    [Fact]
    public async Task A_network_that_ran_is_moved_and_runs_on()
    {
        await using var network = await LocalNetwork.StartAsync(2);
        var hash = await network.Parties[0].SendPrivateAsync(null, Cli.Demo.SimpleStorage.Create(42), [network.Parties[1]],
            CancellationToken.None);
        var contract = (string)(await network.Parties[1].ReceiptAsync(hash, CancellationToken.None))["contractAddress"]!;
        await network.Runner.StopAsync(_ => { });
        var moved = network.Directory + "-moved";
        Directory.Move(network.Directory, moved);
        var runner = new Cli.Network.NetworkRunner(moved, Cli.Network.NetworkDefinition.Load(moved));
        try
        {
            await runner.StartAsync(_ => { }, CancellationToken.None);
            Assert.Equal(42UL, await network.Parties[1].ReadAsync(contract, CancellationToken.None));
            hash = await network.Parties[0].SendPrivateAsync(contract, Cli.Demo.SimpleStorage.Set(7), [network.Parties[1]],
                CancellationToken.None);
            await network.Parties[1].ReceiptAsync(hash, CancellationToken.None);
            Assert.Equal(7UL, await network.Parties[1].ReadAsync(contract, CancellationToken.None));
        }
        finally
        {
            await runner.StopAsync(_ => { });
            Directory.Move(moved, network.Directory);
        }
    }

    /// <summary>Copied from the page and pasted into a shell, with the network where the page has it.</summary>
    [Fact]
    public async Task The_tutorial_of_the_readme_does_what_it_says()
    {
        var page = File.ReadAllText(Path.Combine(LocalNetwork.Repository, "README.md"));
        var tutorial = Tutorial().Match(page).Groups["commands"].Value;
        Assert.NotEmpty(tutorial);
        await using var network = await LocalNetwork.StartAsync(3);
        var directory = Directory.CreateTempSubdirectory("qmesh-readme-").FullName;
        try
        {
            Directory.CreateSymbolicLink(Path.Combine(directory, "network"), network.Directory);
            var output = await RunAsync(directory, tutorial);
            var word = new string('0', 62);
            Assert.Matches($"^A and B: .*\"result\":\"0x{word}2a\".*\n.*\"result\":\"0x{word}2a\".*\nC: .*\"result\":\"0x\".*\nA and B: "
                + $".*\"result\":\"0x{word}07\".*\n.*\"result\":\"0x{word}07\"", output);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [GeneratedRegex("<!-- tutorial -->\n```sh\n(?<commands>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Tutorial();

    private static async Task<string> RunAsync(string directory, string commands)
    {
        using var shell = Process.Start(
            new ProcessStartInfo("bash", ["-eu", "-c", commands]) { WorkingDirectory = directory, RedirectStandardOutput = true })!;
        using var limit = new CancellationTokenSource(LocalNetwork.Patience);
        var output = await shell.StandardOutput.ReadToEndAsync(limit.Token);
        await shell.WaitForExitAsync(limit.Token);
        return output;
    }

    /// <summary>The kernel's watches on files and directories that a process holds.</summary>
    private static int Watches(int pid) =>
        Directory.EnumerateFiles($"/proc/{pid}/fdinfo")
        .Sum(file => File.Exists(file) ? File.ReadLines(file).Count(line => line.StartsWith("inotify", StringComparison.Ordinal)) : 0);
}
