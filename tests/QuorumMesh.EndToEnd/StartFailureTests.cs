using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Web;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd;

/// <summary>A start that cannot work says why in one line and exits with a code that is not zero.</summary>
[Collection("network")]
public sealed class StartFailureTests
{
    [Fact]
    public async Task A_port_in_use_is_named_whichever_it_is()
    {
        await using var network = await LocalNetwork.StartAsync(1);
        var node = network.Service(0, ServiceKind.Node);
        await network.KillAsync(node);
        var (rpc, enode) = (new Uri(network.Definition.Participants[0].Rpc), new Uri(network.Definition.Participants[0].Enode));
        foreach (var port in (int[])[rpc.Port, enode.Port,
            int.Parse(HttpUtility.ParseQueryString(enode.Query)["raftport"]!, CultureInfo.InvariantCulture)])
        {
            using var thief = new TcpListener(IPAddress.Loopback, port);
            thief.Start();
            network.Runner.StartOne(node);
            await LocalNetwork.UntilAsync(() => Task.FromResult(node.RunningPid is null), "the node has given up");
            Assert.Contains($"{port}", node.LastOutput(1), StringComparison.Ordinal);
            thief.Stop();
        }
        await network.StartAgainAsync(node);
    }

    [Fact]
    public async Task Another_genesis_is_refused()
    {
        await using var network = await LocalNetwork.StartAsync(1);
        var node = network.Service(0, ServiceKind.Node);
        await network.KillAsync(node);
        var genesis = Path.Combine(network.Directory, "genesis.json");
        File.WriteAllText(genesis, File.ReadAllText(genesis).Replace("0xE0000000", "0xE0000001", StringComparison.Ordinal));
        network.Runner.StartOne(node);
        await LocalNetwork.UntilAsync(() => Task.FromResult(node.RunningPid is null), "the node has given up");
        Assert.Contains("incompatible genesis block", node.LastOutput(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_enclave_key_is_named()
    {
        await using var network = await LocalNetwork.StartAsync(1);
        var enclave = network.Service(0, ServiceKind.Enclave);
        await network.KillAsync(enclave);
        File.Move(Path.Combine(network.Definition.Participants[0].Directory, "enclave", "tm.key"),
            Path.Combine(network.Directory, "moved.key"));
        network.Runner.StartOne(enclave);
        await LocalNetwork.UntilAsync(() => Task.FromResult(enclave.RunningPid is null), "the enclave has given up");
        Assert.Contains("tm.key", enclave.LastOutput(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_leaves_no_process_and_no_pid_file()
    {
        var network = await LocalNetwork.StartAsync(1);
        var pids = network.Runner.Services.Select(s => s.RunningPid!.Value).ToList();
        await network.Runner.StopAsync(_ => { });
        Assert.Equal(network.Runner.Services.Count, pids.Count);
        Assert.All(network.Runner.Services, service => Assert.Null(service.RunningPid));
        Assert.All(pids, pid => Assert.True(!File.Exists($"/proc/{pid}/stat")
            || File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal), $"process {pid} still runs"));
        Assert.Empty(Directory.EnumerateFiles(network.Definition.Participants[0].Directory, "*.pid"));
        await network.DisposeAsync();
    }
}
