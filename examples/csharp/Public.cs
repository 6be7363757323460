using System.Numerics;
using System.Text.Json.Nodes;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Hex.HexTypes;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;

namespace Examples;

/// <summary>A public contract: connect, deploy, write, read, events. RPC_URL names the node; a fresh key needs no balance.</summary>
internal static class Public
{
    public static async Task RunAsync()
    {
        var storage = JsonNode.Parse(File.ReadAllText("Storage.json"))!;
        var (abi, code, url) = (storage["abi"]!.ToJsonString(), (string)storage["code"]!, Environment.GetEnvironmentVariable("RPC_URL"));
        var chain = (await new Web3(url).Eth.ChainId.SendRequestAsync()).Value;
        var account = new Account(EthECKey.GenerateKey().GetPrivateKey(), chain);
        var web3 = new Web3(account, url);
        var deployed = await web3.Eth.DeployContract.SendRequestAndWaitForReceiptAsync(
            abi, code, account.Address, new HexBigInteger(400_000), null, new BigInteger(41));
        var contract = web3.Eth.GetContract(abi, deployed.ContractAddress);
        var written = await contract.GetFunction("set")
            .SendTransactionAndWaitForReceiptAsync(account.Address, new HexBigInteger(100_000), null, null, new BigInteger(43));
        var stored = contract.GetEvent<Stored>();
        var events = await stored.GetAllChangesAsync(stored.CreateFilterInput(fromBlock: BlockParameter.CreateEarliest()));
        var values = string.Join(',', events.Select(e => e.Event.Value));
        var value = await contract.GetFunction("get").CallAsync<BigInteger>();
        Console.WriteLine($$"""{"chain":{{chain}},"status":{{written.Status.Value}},"value":{{value}},"stored":[{{values}}]}""");
    }
}

[Event("Stored")]
internal sealed class Stored : IEventDTO { [Parameter("uint256", "value", 1, false)] public BigInteger Value { get; set; } }
