using System.Net;
using System.Net.Sockets;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Cli.Tests;

/// <summary>Processes of a network, played by programs that only sleep: whose they are, and who ends them.</summary>
public sealed class NetworkRunnerTests : IDisposable
{
    private const string Artifacts = "QUORUMMESH_ARTIFACTS";

    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;
    private readonly List<ServiceProcess> _started = [];
    private readonly string? _artifacts = Environment.GetEnvironmentVariable(Artifacts);

    public void Dispose()
    {
        foreach (var service in _started) service.Kill();
        Environment.SetEnvironmentVariable(Artifacts, _artifacts);
        Directory.Delete(_temp, recursive: true);
    }

    [Fact]
    public async Task A_start_that_fails_ends_what_it_started_and_nothing_else()
    {
        UsePrograms(enclave: "exec sleep 600", manager: "exec sleep 600", node: "echo no such luck; exit 1");
        var (runner, _) = Create("net");
        var before = Service(runner, ServiceKind.Enclave);
        runner.StartOne(before);
        _started.AddRange(runner.Services);
        var pid = before.RunningPid;
        Assert.NotNull(pid);
        var failure = await Assert.ThrowsAsync<CommandException>(() => runner.StartAsync(_ => { }, default));
        Assert.Contains("A node ended while starting", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no such luck", failure.Message, StringComparison.Ordinal);
        Assert.Equal(pid, before.RunningPid);
        Assert.All(runner.Services.Where(s => s != before), s => Assert.Null(s.RunningPid));
    }

    [Fact]
    public async Task A_copy_of_a_network_does_not_own_the_processes()
    {
        UsePrograms(enclave: "exec sleep 600", manager: "exec sleep 600", node: "exec sleep 600");
        var (runner, _) = Create("net");
        var original = Service(runner, ServiceKind.Node);
        runner.StartOne(original);
        _started.Add(original);
        Copy(Path.Combine(_temp, "net"), Path.Combine(_temp, "copy"));
        var copied = new NetworkRunner(Path.Combine(_temp, "copy"), NetworkDefinition.Load(Path.Combine(_temp, "copy")));
        Assert.All(copied.Services, s => Assert.Null(s.RunningPid));
        await copied.StopAsync(_ => { });
        Assert.NotNull(original.RunningPid);
    }

    /// <summary>Also through a symbolic link, and when the network was made under another name.</summary>
    [Fact]
    public async Task A_moved_network_is_stopped_and_finds_its_files()
    {
        UsePrograms(enclave: "exec sleep 600", manager: "exec sleep 600", node: "exec sleep 600");
        var (runner, _) = Create("net");
        runner.StartOne(Service(runner, ServiceKind.Node));
        var pid = Service(runner, ServiceKind.Node).RunningPid!.Value;
        await UntilSleepsAsync(pid); // the shell before it opens the log by its path
        Directory.Move(Path.Combine(_temp, "net"), Path.Combine(_temp, "moved"));
        Directory.CreateSymbolicLink(Path.Combine(_temp, "link"), Path.Combine(_temp, "moved"));
        await runner.StopAsync(_ => { }); // the directory is gone: nothing to end, and no crash
        var linked = new NetworkRunner(Path.Combine(_temp, "link"), NetworkDefinition.Load(Path.Combine(_temp, "link")));
        Assert.Equal(pid, Service(linked, ServiceKind.Node).RunningPid);
        await linked.StopAsync(_ => { });
        Assert.Null(Service(linked, ServiceKind.Node).RunningPid);

        var moved = Path.Combine(_temp, "moved");
        var network = NetworkDefinition.Load(moved);
        var participant = network.Participants[0];
        Assert.Equal((Path.Combine(moved, "A"), Path.Combine(moved, "A", "tm", "tm.ipc"), Path.Combine(moved, "A", "node", "geth.ipc")),
            (participant.Directory, participant.Q2tSocket, participant.Ipc));
        Assert.Equal(Path.Combine(_temp, "net"), MovedNetwork.Adopt(moved, network));
        Assert.Null(MovedNetwork.Adopt(moved, network));
        foreach (var file in new[] { NetworkDefinition.FileName, "A/tm/tm.json", "A/enclave/enclave.json" })
        {
            var text = File.ReadAllText(Path.Combine(moved, file));
            Assert.DoesNotContain(Path.Combine(_temp, "net") + "/", text, StringComparison.Ordinal);
            Assert.Contains(moved + "/", text, StringComparison.Ordinal);
        }
        Assert.Equal(participant, NetworkDefinition.Load(moved).Participants[0]);
    }

    [Fact]
    public async Task A_port_in_use_is_refused_with_the_name_of_who_holds_it()
    {
        UsePrograms(enclave: "exec sleep 600", manager: "exec sleep 600", node: "exec sleep 600");
        var (runner, network) = Create("net");
        _started.AddRange(runner.Services);
        foreach (var port in Enum.GetValues<ServiceKind>().SelectMany(network.Participants[0].Ports))
        {
            using var thief = new TcpListener(IPAddress.Loopback, port);
            thief.Start();
            var message = (await Assert.ThrowsAsync<CommandException>(() => runner.StartAsync(_ => { }, default))).Message;
            Assert.Contains($"port {port} of A ", message, StringComparison.Ordinal);
            Assert.Contains($"(process {Environment.ProcessId})", message, StringComparison.Ordinal);
            Assert.Contains("--port-offset", message, StringComparison.Ordinal);
            Assert.All(runner.Services, s => Assert.Null(s.RunningPid));
        }
    }

    [Fact]
    public void Files_that_others_could_read_are_closed_and_links_are_left_alone()
    {
        var outside = Path.Combine(_temp, "outside");
        File.WriteAllText(outside, "");
        File.SetUnixFileMode(outside, (UnixFileMode)0b110_100_100);
        Create("net");
        var open = Path.Combine(_temp, "net", "A", "node");
        File.SetUnixFileMode(open, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(Path.Combine(open, "static-nodes.json"), (UnixFileMode)0b110_100_100);
        File.CreateSymbolicLink(Path.Combine(open, "link"), outside);
        Assert.Equal(2, PrivateFiles.Close(Path.Combine(_temp, "net")));
        Assert.Equal(0, PrivateFiles.Close(Path.Combine(_temp, "net")));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(open));
        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(outside));
    }

    private (NetworkRunner Runner, NetworkDefinition Network) Create(string name)
    {
        var directory = Path.Combine(_temp, name);
        var network = NetworkCreator.Create(
            new NetworkRequest(directory, 1, "raft", "cancun", 10, null, 0) { DensePortsFrom = DemoCommand.FreePorts(1) });
        return (new NetworkRunner(directory, network), network);
    }

    private static async Task UntilSleepsAsync(int pid)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!File.ReadAllText($"/proc/{pid}/cmdline").StartsWith("sleep", StringComparison.Ordinal)) await Task.Delay(10, limit.Token);
    }

    private static ServiceProcess Service(NetworkRunner runner, ServiceKind kind) => runner.Services.Single(s => s.Kind == kind);

    private void UsePrograms(string enclave, string manager, string node)
    {
        foreach (var (folder, program, script) in new[] { ("enclave", "quorummesh-enclave", enclave),
            ("txmanager", "quorummesh-txmanager", manager), ("node", "quorummesh-node", node) })
        {
            Directory.CreateDirectory(Path.Combine(_temp, "artifacts", folder));
            var path = Path.Combine(_temp, "artifacts", folder, program);
            File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        Environment.SetEnvironmentVariable(Artifacts, Path.Combine(_temp, "artifacts"));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var directory in Directory.GetDirectories(from)) Copy(directory, Path.Combine(to, Path.GetFileName(directory)));
    }
}
