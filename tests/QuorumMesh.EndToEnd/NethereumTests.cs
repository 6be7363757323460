using System.Numerics;
using Nethereum.JsonRpc.Client;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;
using QuorumMesh.Cli.Demo;

namespace QuorumMesh.EndToEnd;

/// <summary>
/// What a .NET dApp does: accounts that sign by themselves with the library's defaults, and private calls through the node's
/// account.
/// </summary>
[Collection("network")]
public sealed class NethereumTests
{
    [Fact]
    public async Task A_dApp_deploys_and_calls_publicly_and_privately_with_the_librarys_defaults()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var key = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("a dApp"u8));
        var chainId = new BigInteger(await network.QuantityAsync(0, "eth_chainId"));
        var account = new Account(key, chainId);
        using var http = new HttpClient { Timeout = network.Http.Timeout };
        var web3 = new Web3(account, new RpcClient(new Uri(network.Definition.Participants[0].Rpc), http));

        var deployed = await web3.Eth.DeployContract.SendRequestAndWaitForReceiptAsync(
            SimpleStorage.Abi, SimpleStorage.Code, account.Address, new Nethereum.Hex.HexTypes.HexBigInteger(400_000), null,
            new BigInteger(41));
        Assert.Equal(BigInteger.One, deployed.Status.Value);
        var contract = web3.Eth.GetContract(SimpleStorage.Abi, deployed.ContractAddress);
        var set = contract.GetFunction("set");
        var gas = await set.EstimateGasAsync(account.Address, null, null, new BigInteger(43));
        var called = await set.SendTransactionAndWaitForReceiptAsync(account.Address, gas, null, null, new BigInteger(43));
        Assert.Equal(BigInteger.One, called.Status.Value);
        Assert.Equal(new BigInteger(43), await contract.GetFunction("get").CallAsync<BigInteger>());
        var shown = await web3.Eth.Transactions.GetTransactionByHash.SendRequestAsync(called.TransactionHash);
        Assert.Equal((account.Address.ToLowerInvariant(), 2), (shown.From.ToLowerInvariant(), (int)shown.Type.Value));

        var parties = network.Definition.Participants.Select(p => new DemoParty(p, network.Http.Timeout)).ToList();
        var hash = await parties[0].SendPrivateAsync(null, SimpleStorage.Create(42), [parties[1]], CancellationToken.None);
        var own = (await parties[0].ReceiptAsync(hash, CancellationToken.None)).ContractAddress;
        hash = await parties[1].SendPrivateAsync(own, SimpleStorage.Set(7), [parties[0]], CancellationToken.None);
        foreach (var party in parties) Assert.Equal("0x1", (await party.ReceiptAsync(hash, CancellationToken.None)).Status.HexValue);
        var seen = new List<ulong>();
        foreach (var party in parties) seen.Add(await party.ReadAsync(own, CancellationToken.None));
        Assert.Equal([7UL, 7UL, 0UL], seen);
    }
}
