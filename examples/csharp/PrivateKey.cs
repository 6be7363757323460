using System.Text.Json.Nodes;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RLP;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Util;
using Nethereum.Web3;
using Newtonsoft.Json.Linq;

namespace Examples;

/// <summary>A private contract with a key of your own. RPC_URL, RECIPIENT: a manager's key. The manager stores the payload.</summary>
internal static class PrivateKey
{
    public static async Task RunAsync()
    {
        var storage = JsonNode.Parse(File.ReadAllText("Storage.json"))!;
        var (web3, key) = (new Web3(Environment.GetEnvironmentVariable("RPC_URL")), EthECKey.GenerateKey());
        var address = (await SendAsync(web3, key, null, $"{storage["code"]}{41:x64}")).ContractAddress;
        var contract = web3.Eth.GetContract(storage["abi"]!.ToJsonString(), address);
        var status = (await SendAsync(web3, key, address, contract.GetFunction("set").GetData(43))).Status.Value;
        Console.WriteLine($$"""{"status":{{status}},"value":{{await contract.GetFunction("get").CallAsync<int>()}}}""");
    }

    private static async Task<TransactionReceipt> SendAsync(Web3 web3, EthECKey key, string? to, string data)
    {
        var privateFor = new[] { Environment.GetEnvironmentVariable("RECIPIENT") };
        object call = new { from = key.GetPublicAddress(), to, data, gas = "0x47b760", privateFor };
        var tx = (await web3.Client.SendRequestAsync<JObject>("eth_fillTransaction", null, call))["tx"]!;
        byte[] Bytes(string name) => ((string?)tx[name] ?? "").HexToByteArray();
        byte[][] fields = [Bytes("nonce").TrimZeroBytes(), Bytes("gasPrice").TrimZeroBytes(), Bytes("gas").TrimZeroBytes(),
            Bytes("to"), Bytes("value").TrimZeroBytes(), Bytes("input")];
        byte[] List(byte[][] items) => RLP.EncodeList([.. items.Select(RLP.EncodeElement)]);
        var s = key.SignAndCalculateV(new Sha3Keccack().CalculateHash(List(fields)));   // without a chain id, and v raised by 10
        var raw = List([.. fields, [(byte)(s.V[0] + 10)], s.R.TrimZeroBytes(), s.S.TrimZeroBytes()]).ToHex(true);
        return await web3.TransactionReceiptPolling.PollForReceiptAsync(
            await web3.Client.SendRequestAsync<string>("eth_sendRawPrivateTransaction", null, raw, new { privateFor }));
    }
}
