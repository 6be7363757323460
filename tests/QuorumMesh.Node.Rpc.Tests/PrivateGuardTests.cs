using System.Text;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Public transactions that were most likely meant to be private: which are refused, and that all others pass.</summary>
public sealed class PrivateGuardTests
{
    private const string Recipient = "0RaKJeL5+cTohk86XHQgj9CIvs5u3aXcF6/ZGgxYBH4=";

    /// <summary>Init code of a contract whose code is one byte, STOP.</summary>
    private const string Creation = "0x600160005360016000f3";

    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly byte[] OtherKey = Keccak.Hash("another"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Other = Secp256k1.AddressOf(Secp256k1.PublicKey(OtherKey));

    [Fact]
    public async Task A_public_call_of_a_private_contract_is_refused_whoever_sends_it()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        var contract = await DeployAsync(node, client, isPrivate: true);
        foreach (var (method, parameters) in new[] { Send(Sender, contract, ""), Raw(OtherKey, contract, 0), Personal(contract) })
        {
            var (code, message, _) = await client.FailAsync(method, parameters);
            Assert.Equal(-32000, code);
            Assert.Contains($"{contract} holds a private contract at this node and nothing in public", message, StringComparison.Ordinal);
            Assert.Contains("privateFor", message, StringComparison.Ordinal);
        }
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, contract, Private)));
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, Other, "")));
    }

    [Fact]
    public async Task A_public_contract_of_an_account_with_private_ones_alone_is_refused()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        await DeployAsync(node, client, isPrivate: true);
        foreach (var (method, parameters) in new[] { Send(Sender, null, ""), Raw(Key, null, 1) })
            Assert.Contains($"{Sender} has created private contracts alone so far", (await client.FailAsync(method, parameters)).Message,
                StringComparison.Ordinal);
        Assert.StartsWith("0x", await SendAsync(client, Raw(OtherKey, null, 0)));
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, null, Private)));
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, Other, "")));
    }

    [Fact]
    public async Task Creations_that_wait_in_the_pool_count()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        await SendAsync(client, Send(Sender, null, Private));
        Assert.Contains("private contracts alone",
            (await client.FailAsync("eth_sendTransaction", Send(Sender, null, "").Parameters)).Message, StringComparison.Ordinal);
        await SendAsync(client, Raw(OtherKey, null, 0));
        node.Manager.Payloads.Clear();
        await SendAsync(client, Send(Other, null, Private));
        Assert.StartsWith("0x", await SendAsync(client, Raw(OtherKey, null, 2)));
    }

    [Fact]
    public async Task Creations_before_it_in_the_same_batch_count()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        var calls = new[]
        {
            RawPrivate(Key, 0), Raw(Key, null, 1), Raw(OtherKey, null, 0), RawPrivate(OtherKey, 1), Raw(OtherKey, null, 2),
        };
        var answers = await BatchAsync(client, calls);
        Assert.Contains($"{Sender} has created private contracts alone so far",
            answers[1].GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        // The other account has a public one before.
        foreach (var taken in new[] { answers[0], answers[2], answers[3], answers[4] })
            Assert.True(taken.TryGetProperty("result", out _), taken.GetRawText());
        var pool = await node.PoolContentAsync(new HashSet<Address> { Sender }, default);
        Assert.True(Assert.Single(pool.SelectMany(c => c.Pending.Concat(c.Queued))).Tx.IsPrivate);
    }

    [Fact]
    public async Task An_account_that_has_made_a_public_contract_too_is_free()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        await DeployAsync(node, client, isPrivate: false);
        await DeployAsync(node, client, isPrivate: true);
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, null, "")));
    }

    [Fact]
    public async Task A_stranger_to_the_contract_knows_nothing_of_it_and_lets_its_calls_through()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        var hash = await SendAsync(client, Send(Sender, null, Private));
        node.Manager.Payloads.Clear();
        var contract = Mine(node, hash);
        Assert.StartsWith("0x", await SendAsync(client, Raw(OtherKey, contract, 0)));
    }

    [Theory]
    [InlineData(PrivateGuardMode.Warn)]
    [InlineData(PrivateGuardMode.Off)]
    public async Task Otherwise_it_is_taken_as_GoQuorum_does(PrivateGuardMode mode)
    {
        using var node = NewNode();
        await using var client = Client(node, mode);
        var contract = await DeployAsync(node, client, isPrivate: true);
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, contract, "")));
        Assert.StartsWith("0x", await SendAsync(client, Send(Sender, null, "")));
    }

    [Fact]
    public async Task A_data_directory_of_an_earlier_version_is_looked_through_first()
    {
        using var node = NewNode();
        await using var client = Client(node, PrivateGuardMode.Refuse);
        node.KeepsCreations = false;
        await DeployAsync(node, client, isPrivate: true);
        node.KeepsCreations = true;
        Mine(node, await SendAsync(client, Send(Sender, Other, "")));
        using (var view = node.OpenView()) Assert.Null(view.CreationsOf(Sender));
        Assert.StartsWith("0x", await SendAsync(client, Raw(OtherKey, null, 0)));
        node.BuildCreations();
        using (var view = node.OpenView()) Assert.Equal(new CreationRecord(1, 0), view.CreationsOf(Sender));
        Assert.Contains("private contracts alone",
            (await client.FailAsync("eth_sendTransaction", Send(Sender, null, "").Parameters)).Message, StringComparison.Ordinal);
        await DeployAsync(node, client, isPrivate: true);
        using (var view = node.OpenView()) Assert.Equal(new CreationRecord(1, 0), view.CreationsOf(Sender));
    }

    [Fact]
    public void What_stands_behind_the_head_does_not_count()
    {
        Assert.Equal(new CreationRecord(5, 0), new CreationRecord(5, 9).At(8));
        Assert.Equal(default, new CreationRecord(5, 9).At(4));
        Assert.Equal(new CreationRecord(7, 9), new CreationRecord(8, 9).With(new Creation(Sender, 7, IsPrivate: true)));
        Assert.Equal(new CreationRecord(8, 9), new CreationRecord(8, 0).With(new Creation(Sender, 9, IsPrivate: false)));
    }

    [Theory]
    [InlineData("ethers/6.17.0", "provider.send(")]
    [InlineData("node", "client.request(")]
    [InlineData("node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "requestManager.send(")]
    [InlineData("web3.py/8.0.0/web3.providers.rpc.rpc.HTTPProvider", "transact(")]
    [InlineData("okhttp/4.9.0", "QuorumTransactionManager")]
    [InlineData("Go-http-client/1.1", "CallContext(")]
    [InlineData(null, "plain JSON-RPC")]
    public void The_call_that_works_is_that_of_the_library_that_sent_it(string? userAgent, string call) =>
        Assert.Contains(call, LibraryCall.For(userAgent), StringComparison.Ordinal);

    private const string Private = $",\"privateFor\":[\"{Recipient}\"]";

    private static async Task<Address> DeployAsync(FakeNode node, RpcClient client, bool isPrivate) =>
        Mine(node, await SendAsync(client, Send(Sender, null, isPrivate ? Private : "")));

    private static Address Mine(FakeNode node, string hash)
    {
        var pooled = node.FindPooledAsync(Hash256.Parse(hash), default).Result!;
        node.Import(node.Mint(pooled.Tx));
        return Address.ForCreate(pooled.Sender, pooled.Tx.Nonce);
    }

    private static async Task<string> SendAsync(RpcClient client, (string Method, string Parameters) send) =>
        (await client.CallAsync(send.Method, send.Parameters)).GetString()!;

    private static (string Method, string Parameters) Send(Address from, Address? to, string more)
    {
        var target = to is null ? $"\"data\":\"{Creation}\"" : $"\"to\":\"{to}\",\"data\":\"0x01\"";
        return ("eth_sendTransaction", $$"""[{"from":"{{from}}",{{target}},"gas":"0x47b760"{{more}} }]""");
    }

    private static (string Method, string Parameters) Personal(Address to) =>
        ("personal_sendTransaction", $$"""[{"from":"{{Sender}}","to":"{{to}}","gas":"0x47b760"},""]""");

    private static (string Method, string Parameters) Raw(byte[] key, Address? to, ulong nonce)
    {
        var transaction = new Transaction { Nonce = nonce, GasLimit = 200_000, To = to, Data = Hex.FromHex(Creation) };
        return ("eth_sendRawTransaction", $"[\"{Hex.ToHex(TransactionSigner.Sign(transaction, key, 10u).EncodedSpan)}\"]");
    }

    private static (string Method, string Parameters) RawPrivate(byte[] key, ulong nonce)
    {
        var hash = new byte[64];
        var transaction = new Transaction { Nonce = nonce, GasLimit = 200_000, Data = hash };
        return ("eth_sendRawTransaction", $"[\"{Hex.ToHex(TransactionSigner.SignPrivate(transaction, key).EncodedSpan)}\"]");
    }

    private static async Task<JsonElement[]> BatchAsync(RpcClient client, IEnumerable<(string Method, string Parameters)> calls)
    {
        using var response = RpcResponse.Rent();
        var requests = calls.Select((c, i) => $$"""{"jsonrpc":"2.0","id":{{i}},"method":"{{c.Method}}","params":{{c.Parameters}}}""");
        await client.Server.Engine.ProcessAsync(Encoding.UTF8.GetBytes($"[{string.Join(',', requests)}]"), response,
            new RpcSession(null, null), default);
        return [.. JsonSerializer.Deserialize<JsonElement>(response.Written.Span).EnumerateArray()];
    }

    private static RpcClient Client(FakeNode node, PrivateGuardMode mode) => new(node, new RpcServerOptions { PrivateGuard = mode });

    private static FakeNode NewNode() => new(GenesisFile.Parse("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Key, OtherKey);
}
