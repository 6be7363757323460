using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using static QuorumMesh.EndToEnd.Peers.NodeKind;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>Private transactions between our nodes and GoQuorum's on one IBFT chain, each with a transaction manager of ours.</summary>
[Collection("network")]
public sealed class MixedPrivateTests
{
    /// <summary>A contract of three parties of both kinds; the fourth validator is a stranger to it.</summary>
    [GoQuorumTheory]
    [InlineData(Ours)]
    [InlineData(Theirs)]
    public async Task A_private_contract_of_either_side_has_one_state_at_its_parties_and_none_at_a_stranger(NodeKind maker)
    {
        await using var network = new MixedIbftNetwork(managers: true);
        await network.StartAsync(Ours, Ours, Theirs, Theirs);
        var own = network.Nodes.First(n => n.Kind == maker);
        var others = network.Nodes.Where(n => n.Kind != maker).ToList();
        var stranger = network.Nodes.Last(n => n.Kind == maker);
        List<MixedValidator> parties = [own, .. others];

        var created = await own.SendPrivateAsync(null, SimpleStorage.Create(41), others);
        await network.MinedAsync(created);
        var contract = (string)(await own.CallAsync("eth_getTransactionReceipt", created))!["contractAddress"]!;
        await AssertStateAsync(parties, stranger, contract, 41);
        var number = 100ul;
        foreach (var sender in parties)
        {
            await network.MinedAsync(await sender.SendPrivateAsync(contract, SimpleStorage.Set(++number), parties.Where(p => p != sender)));
            await AssertStateAsync(parties, stranger, contract, number);
        }

        // With public ones between, and from the state on disk.
        foreach (var node in network.Nodes) await network.MinedAsync(await node.SendAsync());
        foreach (var node in network.Nodes) node.Kill();
        foreach (var node in network.Nodes) await network.RestartAsync(node);
        await network.BlocksAsync(2);
        await AssertStateAsync(parties, stranger, contract, number);
        var again = await others[0].SendPrivateAsync(contract, SimpleStorage.Set(++number), parties.Where(p => p != others[0]));
        await network.MinedAsync(again);
        await AssertStateAsync(parties, stranger, contract, number);
        await network.AssertSameChainAsync();
    }

    /// <summary>Nothing is taken for a party that cannot have it, whichever side asks.</summary>
    [GoQuorumTheory]
    [InlineData(Ours)]
    [InlineData(Theirs)]
    public async Task A_private_transaction_is_refused_while_a_party_s_manager_is_away_and_taken_afterwards(NodeKind maker)
    {
        await using var network = new MixedIbftNetwork(managers: true);
        await network.StartAsync(Ours, Ours, Theirs, Theirs);
        var (own, other) = (network.Nodes.First(n => n.Kind == maker), network.Nodes.First(n => n.Kind != maker));
        await network.StopManagerAsync(other);
        await Assert.ThrowsAsync<CommandException>(() => own.SendPrivateAsync(null, SimpleStorage.Create(1), [other]));
        await network.BlocksAsync(2);
        await network.StartManagerAsync(other);
        var created = "";
        await LocalNetwork.UntilAsync(async () =>
        {
            created = await own.SendPrivateAsync(null, SimpleStorage.Create(2), [other]);
            return true;
        }, $"{own} gets a private transaction to {other}");
        await network.MinedAsync(created);
        var contract = (string)(await own.CallAsync("eth_getTransactionReceipt", created))!["contractAddress"]!;
        await AssertStateAsync([own, other], network.Nodes.Last(n => n.Kind == maker), contract, 2);
    }

    private static async Task AssertStateAsync(IEnumerable<MixedValidator> parties, MixedValidator stranger, string contract, ulong number)
    {
        var roots = new HashSet<string>();
        foreach (var party in parties)
        {
            await LocalNetwork.UntilAsync(async () => await party.ReadAsync(contract, SimpleStorage.Get) == $"0x{number:x64}",
                () => $"{party} reads {number}; its last output: {party.LastOutput()}");
            roots.Add((string)(await party.CallAsync("eth_storageRoot", contract))!);
            Assert.NotEqual("0x", (string?)await party.CallAsync("eth_getCode", contract, "latest"));
        }
        Assert.Single(roots);
        Assert.Equal("0x", (string?)await stranger.CallAsync("eth_getCode", contract, "latest"));
        Assert.Equal("0x", await stranger.ReadAsync(contract, SimpleStorage.Get));
    }
}
