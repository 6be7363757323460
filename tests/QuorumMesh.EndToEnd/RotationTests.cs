using System.Text.Json.Nodes;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Keys;
using QuorumMesh.Cli.Network;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.EndToEnd;

/// <summary>An enclave key rotated in a running network, by <c>qmesh keys rotate</c>.</summary>
[Collection("network")]
public sealed class RotationTests
{
    [LongFact]
    public async Task A_key_is_rotated_while_transactions_go_in_all_directions_and_none_fails()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var (a, old) = (network.Definition.Participants[0].TxManagerKey, network.Definition.Participants[1].TxManagerKey);
        var made = await network.Parties[0].SendPrivateAsync(null, SimpleStorage.Create(1), [network.Parties[1]], CancellationToken.None);
        var contract = (string)(await network.Parties[1].ReceiptAsync(made, CancellationToken.None))["contractAddress"]!;
        using var stop = new CancellationTokenSource();
        // To B by the name that dApps know, and from B by that name.
        Task<List<string>>[] load =
        [
            LoadAsync(network, 0, contract, null, old, stop.Token),
            LoadAsync(network, 2, contract, null, old, stop.Token),
            LoadAsync(network, 1, contract, old, a, stop.Token),
        ];
        var hashes = new List<string>();
        for (var rotation = 0; rotation < 3; rotation++)
        {
            Assert.Equal(0, KeysCommands.Create().Parse(["rotate", "--dir", network.Directory, "--participant", "B"]).Invoke(
                new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false }));
            var key = NetworkDefinition.Load(network.Directory).Participants[1].TxManagerKey;
            Assert.NotEqual(old, key);
            await LocalNetwork.UntilAsync(async () => (await network.Http.GetStringAsync(
                new Uri(network.Definition.Participants[0].ThirdParty + "/partyinfo/keys"))).Contains(key, StringComparison.Ordinal),
                "A's manager knows B's new key");
            hashes.Add(await SendAsync(network, 0, contract, null, key, 7));
        }

        await stop.CancelAsync();
        hashes.AddRange((await Task.WhenAll(load)).SelectMany(h => h));
        foreach (var hash in hashes)
            Assert.Equal("0x1", (string)(await network.Parties[1].ReceiptAsync(hash, CancellationToken.None))["status"]!);

        // The same keys after a kill.
        var enclave = network.Service(1, ServiceKind.Enclave);
        await network.KillAsync(enclave);
        await network.StartAgainAsync(enclave);
        await LocalNetwork.UntilAsync(async () =>
        {
            var last = await SendAsync(network, 0, contract, null, old, 9);
            await network.Parties[1].ReceiptAsync(last, CancellationToken.None);
            return await network.Parties[1].ReadAsync(contract, CancellationToken.None) == 9;
        }, "B opens what is sealed for its first key");
    }

    /// <summary>The transactions' hashes. One that is refused fails the test.</summary>
    private static async Task<List<string>> LoadAsync(
        LocalNetwork network, int sender, string contract, string? from, string to, CancellationToken stop)
    {
        var hashes = new List<string>();
        while (!stop.IsCancellationRequested)
        {
            hashes.Add(await SendAsync(network, sender, contract, from, to, (ulong)hashes.Count));
            await Task.Delay(20, CancellationToken.None);
        }

        return hashes;
    }

    private static async Task<string> SendAsync(LocalNetwork network, int sender, string contract, string? from, string to, ulong value)
    {
        var transaction = new JsonObject
        {
            ["from"] = network.Definition.Participants[sender].Account,
            ["to"] = contract,
            ["data"] = SimpleStorage.Set(value),
            ["gas"] = "0x47b760",
            ["privateFor"] = new JsonArray(to),
        };
        if (from is not null)
            transaction["privateFrom"] = from;
        return (string)(await network.Rpc[sender].CallAsync("eth_sendTransaction", CancellationToken.None, transaction))!;
    }
}
