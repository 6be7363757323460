using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd;

/// <summary>kill -9 of a node: the others go on, the node comes back by itself with the same chain.</summary>
[Collection("network")]
public sealed class CrashTests
{
    [Fact]
    public async Task A_killed_minter_is_replaced_and_catches_up_after_its_restart()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var minter = await MinterAsync(network);
        var other = (minter + 1) % 3;
        var receipt = await network.Parties[other].ReceiptAsync(await network.SendPublicAsync(other, null, SimpleStorage.Create(1)),
            CancellationToken.None);
        var contract = (string)receipt["contractAddress"]!;
        await network.KillAsync(network.Service(minter, ServiceKind.Node));

        for (var value = 2UL; value <= 12; value++)
            await network.Parties[other].ReceiptAsync(await network.SendPublicAsync(other, contract, SimpleStorage.Set(value)),
                CancellationToken.None);
        await network.StartAgainAsync(network.Service(minter, ServiceKind.Node));

        await network.AssertSameBlockAsync(await network.HeadAsync(other));
        Assert.Equal(12UL, await network.Parties[minter].ReadAsync(contract, CancellationToken.None));
    }

    [Fact]
    public async Task Every_node_killed_at_once_keeps_what_was_acknowledged()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var deployed = await network.SendPublicAsync(0, null, SimpleStorage.Create(1));
        var contract = (string)(await network.Parties[0].ReceiptAsync(deployed, CancellationToken.None))["contractAddress"]!;
        var acknowledged = new List<string>();
        for (var value = 1UL; value <= 50; value++)
            acknowledged.Add(await network.SendPublicAsync(0, contract, SimpleStorage.Set(value)));
        for (var i = 0; i < 3; i++) network.Service(i, ServiceKind.Node).Kill();
        for (var i = 0; i < 3; i++) await network.KillAsync(network.Service(i, ServiceKind.Node));
        await network.Runner.StartAsync(_ => { }, CancellationToken.None);

        foreach (var hash in acknowledged)
            foreach (var party in network.Parties)
                Assert.Equal("0x1", (string)(await party.ReceiptAsync(hash, CancellationToken.None))["status"]!);
        Assert.Equal(50UL, await network.Parties[2].ReadAsync(contract, CancellationToken.None));
        await network.AssertSameBlockAsync(await network.HeadAsync(0));
    }

    private static async Task<int> MinterAsync(LocalNetwork network)
    {
        for (var i = 0; i < network.Rpc.Count; i++)
            if ((string?)await network.Rpc[i].CallAsync("raft_role", CancellationToken.None) == "minter") return i;
        throw new InvalidOperationException("no node is the minter");
    }
}
