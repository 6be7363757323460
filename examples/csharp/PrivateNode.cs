using System.Numerics;
using System.Text.Json.Nodes;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Web3;

namespace Examples;

/// <summary>A private contract with an account of the node. RPC_URL, ACCOUNT (unlocked there), RECIPIENT: a manager's key.</summary>
internal static class PrivateNode
{
    public static async Task RunAsync()
    {
        var storage = JsonNode.Parse(File.ReadAllText("Storage.json"))!;
        var web3 = new Web3(Environment.GetEnvironmentVariable("RPC_URL"));
        var created = await SendAsync(web3, null, $"{storage["code"]}{41:x64}");
        var contract = web3.Eth.GetContract(storage["abi"]!.ToJsonString(), created.ContractAddress);
        var written = await SendAsync(web3, created.ContractAddress, contract.GetFunction("set").GetData(new BigInteger(43)));
        var shown = await web3.Eth.Transactions.GetTransactionByHash.SendRequestAsync(written.TransactionHash);
        var value = await contract.GetFunction("get").CallAsync<BigInteger>();
        var (v, bytes) = (Convert.ToInt32(shown.V, 16), (shown.Input.Length - 2) / 2);
        Console.WriteLine($$"""{"status":{{written.Status.Value}},"value":{{value}},"v":{{v}},"bytes":{{bytes}}}""");
    }

    // Nethereum's own transaction has no privateFor: this one hands it on.
    private static async Task<TransactionReceipt> SendAsync(Web3 web3, string? to, string data)
    {
        var privateFor = new[] { Environment.GetEnvironmentVariable("RECIPIENT") };
        object call = new { from = Environment.GetEnvironmentVariable("ACCOUNT"), to, data, gas = "0x47b760", privateFor };
        var hash = await web3.Client.SendRequestAsync<string>("eth_sendTransaction", null, call);
        return await web3.TransactionReceiptPolling.PollForReceiptAsync(hash);
    }
}
