using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Public transactions that a node is told to refuse, and raw ones that look private and are not.</summary>
public sealed class PublicTransactionPolicyTests
{
    private const string Recipient = "0RaKJeL5+cTohk86XHQgj9CIvs5u3aXcF6/ZGgxYBH4=";
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly byte[] OtherKey = Keccak.Hash("another"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Other = Secp256k1.AddressOf(Secp256k1.PublicKey(OtherKey));
    private static readonly Address Contract = Address.Parse("0x2000000000000000000000000000000000000001");
    private static readonly Address Elsewhere = Address.Parse("0x2000000000000000000000000000000000000002");

    [Fact]
    public async Task Public_transactions_of_an_account_are_refused_with_the_cause()
    {
        using var node = NewNode();
        await using var client = Client(node, new PublicTransactionPolicy(new HashSet<Address> { Sender }, false, new HashSet<Address>()));
        foreach (var (method, parameters) in Sends(Sender, Elsewhere).Append(("eth_sendRawTransaction", Raw(Key, Elsewhere)))
            .Append(("eth_sendRawTransaction", Raw(Key, null))))
        {
            var (code, message, _) = await client.FailAsync(method, parameters);
            Assert.Equal(-32000, code);
            Assert.Contains($"public transactions of {Sender} (--public.refuse-from)", message, StringComparison.Ordinal);
            Assert.Contains("privateFor", message, StringComparison.Ordinal);
        }
        Assert.StartsWith("0x", (await client.CallAsync("eth_sendRawTransaction", Raw(OtherKey, Contract))).GetString());
        await PrivateOnesGoAsync(client, Elsewhere);
    }

    [Fact]
    public async Task Public_transactions_to_a_contract_are_refused_with_the_cause()
    {
        using var node = NewNode();
        await using var client = Client(node,
            new PublicTransactionPolicy(new HashSet<Address>(), false, new HashSet<Address> { Contract }));
        foreach (var (method, parameters) in Sends(Sender, Contract).Append(("eth_sendRawTransaction", Raw(OtherKey, Contract))))
            Assert.Contains($"public transactions to {Contract} (--public.refuse-to)", (await client.FailAsync(method, parameters)).Message,
                StringComparison.Ordinal);
        Assert.StartsWith("0x", (await client.CallAsync("eth_sendRawTransaction", Raw(OtherKey, Elsewhere))).GetString());
        await PrivateOnesGoAsync(client, Contract);
    }

    [Fact]
    public async Task All_public_transactions_can_be_refused()
    {
        using var node = NewNode();
        await using var client = Client(node, new PublicTransactionPolicy(new HashSet<Address>(), true, new HashSet<Address>()));
        foreach (var (method, parameters) in Sends(Sender, Elsewhere).Append(("eth_sendRawTransaction", Raw(OtherKey, null))))
            Assert.Contains("refuses public transactions (--public.refuse-from)", (await client.FailAsync(method, parameters)).Message,
                StringComparison.Ordinal);
        await PrivateOnesGoAsync(client, Elsewhere);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(200)]
    public async Task A_transaction_for_chain_one_is_not_taken_for_a_private_one(int size)
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var foreign = TransactionSigner.Sign(new Transaction { GasLimit = 100_000, To = Contract, Data = new byte[size] }, Key, 1u);
        Assert.True(foreign.IsPrivate);
        var message = (await client.FailAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(foreign.EncodedSpan)}\"]")).Message;
        Assert.Contains($"not {size} bytes", message, StringComparison.Ordinal);
        Assert.Contains("chain id 1", message, StringComparison.Ordinal);
        Assert.Contains("this chain's id is 10", message, StringComparison.Ordinal);
    }

    private static async Task PrivateOnesGoAsync(RpcClient client, Address to)
    {
        var hash = (await client.CallAsync("eth_sendTransaction",
            $$"""[{"from":"{{Sender}}","to":"{{to}}","data":"0x6001","gas":"0x47b760","privateFor":["{{Recipient}}"]}]""")).GetString();
        var pooled = await client.CallAsync("eth_getTransactionByHash", $"[\"{hash}\"]");
        Assert.Contains(pooled.GetProperty("v").GetString(), new[] { "0x25", "0x26" });
        var signed = TransactionSigner.SignPrivate(
            new Transaction { Nonce = 7, GasLimit = 100_000, To = to, Data = Hex.FromHex(pooled.GetProperty("input").GetString()!) }, Key);
        Assert.Equal(signed.Hash.ToString(),
            (await client.CallAsync("eth_sendRawPrivateTransaction",
            $$"""["{{Hex.ToHex(signed.EncodedSpan)}}",{"privateFor":["{{Recipient}}"]}]""")).GetString());
    }

    private static IEnumerable<(string Method, string Parameters)> Sends(Address from, Address to)
    {
        var transaction = $$"""{"from":"{{from}}","to":"{{to}}","gas":"0x5208","gasPrice":"0x0","nonce":"0x0"}""";
        return [("eth_sendTransaction", $"[{transaction}]"), ("personal_sendTransaction", $"[{transaction},\"\"]"),
            ("eth_signTransaction", $"[{transaction}]"), ("eth_resend", $"[{transaction}]")];
    }

    private static string Raw(byte[] key, Address? to) =>
        $"[\"{Hex.ToHex(TransactionSigner.Sign(new Transaction { GasLimit = 100_000, To = to, Data = [0x60] }, key, 10u).EncodedSpan)}\"]";

    private static RpcClient Client(FakeNode node, PublicTransactionPolicy policy) =>
        new(node, new RpcServerOptions { PublicTransactions = policy });

    private static FakeNode NewNode() => new(GenesisFile.Parse("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "isQuorum": true }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Key);
}
