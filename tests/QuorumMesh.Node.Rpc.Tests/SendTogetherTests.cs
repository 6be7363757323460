using System.Text;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Transactions that come in one batch are one item for the node, and answered as if they had come one by one.</summary>
public sealed class SendTogetherTests : IDisposable
{
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));

    private readonly FakeNode _node = NewNode();

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task A_batch_is_submitted_at_once_and_answered_in_order()
    {
        var answers = await AskAsync([.. Enumerable.Range(0, 20).Select(n => Send(n, Raw((ulong)n)))]);
        Assert.Equal([20], _node.Together);
        Assert.Equal(Enumerable.Range(0, 20).Select(n => Signed((ulong)n).Hash.ToString()), answers.Select(Result));
        Assert.Equal(Enumerable.Range(0, 20), answers.Select(a => a.GetProperty("id").GetInt32()));
        Assert.Equal((20, 0), await _node.PoolCountsAsync(default));
    }

    [Fact]
    public async Task Each_error_stands_where_its_call_stood_and_says_what_it_says_alone()
    {
        string[] bad = ["[\"0x\"]", "[]", "[\"0xzz\"]", "5", "[\"0xc0\"]", $"[\"{Hex.ToHex(Invalid().Encode())}\"]", Raw(0)];
        var calls = new List<string> { Send(100, Raw(0)) };
        foreach (var parameters in bad)
        {
            calls.Add(Send(calls.Count, parameters));
            calls.Add(Send(100 + calls.Count, Raw((ulong)(calls.Count + 1) / 2)));
        }
        var answers = await AskAsync([.. calls]);
        Assert.Equal([calls.Count - 5], _node.Together);
        Assert.Equal(calls.Count, answers.Count);
        using var other = NewNode();
        await using var alone = new RpcClient(other);
        await alone.CallAsync("eth_sendRawTransaction", Raw(0));
        for (var i = 0; i < bad.Length; i++)
        {
            var (code, message, _) = await alone.FailAsync("eth_sendRawTransaction", bad[i]);
            var error = answers[1 + (2 * i)].GetProperty("error");
            Assert.Equal((code, message), (error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString()));
            Assert.Equal(Signed((ulong)i + 1).Hash.ToString(), Result(answers[2 + (2 * i)]));
        }
    }

    [Fact]
    public async Task A_caller_who_may_not_send_submits_none_of_them()
    {
        await using var client = new RpcClient(_node);
        var caller = new RpcCaller("token") { Scopes = MethodPatterns.OfScopes(["rpc://eth_blockNumber"]) };
        using var response = Engine.RpcResponse.Rent();
        var batch = Encoding.UTF8.GetBytes($"[{Send(0, Raw(0))},{Send(1, Raw(1))}]");
        await client.Server.Engine.ProcessAsync(batch, response, new Engine.RpcSession(null, null) { Caller = caller }, default);
        var answers = JsonSerializer.Deserialize<JsonElement>(response.Written.Span);
        Assert.Equal(2, answers.GetArrayLength());
        Assert.All(answers.EnumerateArray(), a => Assert.Equal("eth_sendRawTransaction - access denied",
            a.GetProperty("error").GetProperty("message").GetString()));
        Assert.Equal((0, 0), await _node.PoolCountsAsync(default));
        Assert.Empty(_node.Together);
    }

    [Fact]
    public async Task Calls_between_them_see_what_came_before_and_notifications_have_no_answer()
    {
        const string count = """{"jsonrpc":"2.0","id":7,"method":"txpool_status"}""";
        var silent = $$"""{"jsonrpc":"2.0","method":"eth_sendRawTransaction","params":{{Raw(1)}}}""";
        var answers = await AskAsync(Send(0, Raw(0)), silent, count, Send(2, Raw(2)), Send(3, Raw(3)), count);
        Assert.Equal([2, 2], _node.Together);
        Assert.Equal(5, answers.Count);
        Assert.Equal("0x2", answers[1].GetProperty("result").GetProperty("pending").GetString());
        Assert.Equal("0x4", answers[4].GetProperty("result").GetProperty("pending").GetString());
    }

    [Fact]
    public async Task A_batch_of_notifications_alone_is_taken_and_has_no_answer()
    {
        using var response = Engine.RpcResponse.Rent();
        await using var client = new RpcClient(_node);
        var request = string.Join(',', Enumerable.Range(0, 3).Select(n =>
            $$"""{"jsonrpc":"2.0","method":"eth_sendRawTransaction","params":{{Raw((ulong)n)}}}"""));
        var bytes = Encoding.UTF8.GetBytes($"[{request}]");
        await client.Server.Engine.ProcessAsync(bytes, response, new Engine.RpcSession(null, null), default);
        Assert.Equal(0, response.Length);
        Assert.Equal((3, 0), await _node.PoolCountsAsync(default));
    }

    [Fact]
    public async Task A_node_that_takes_none_says_so_for_each()
    {
        using var node = NewNode();
        node.Conflict = new Runtime.Health.HeadConflict(1, Keccak.Hash([1]), Keccak.Hash([2]), 2, 3);
        var answers = await AskAsync(node, Send(0, Raw(0)), Send(1, Raw(1)));
        Assert.All(answers, a => Assert.Contains("another chain", a.GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal));
    }

    private static string Result(JsonElement answer) => answer.GetProperty("result").GetString()!;

    private static string Send(int id, string parameters) =>
        $$"""{"jsonrpc":"2.0","id":{{id}},"method":"eth_sendRawTransaction","params":{{parameters}}}""";

    private static string Raw(ulong nonce) => $"[\"{Hex.ToHex(Signed(nonce).Encode())}\"]";

    private static Transaction Signed(ulong nonce) =>
        TransactionSigner.Sign(new Transaction { Nonce = nonce, GasLimit = 21_000, To = Sender }, Key, 10);

    private static Transaction Invalid() => Signed(9).WithSignature(55u, 1u, UInt256.MaxValue);

    private Task<List<JsonElement>> AskAsync(params string[] calls) => AskAsync(_node, calls);

    private static async Task<List<JsonElement>> AskAsync(FakeNode node, params string[] calls)
    {
        await using var client = new RpcClient(node);
        using var response = Engine.RpcResponse.Rent();
        var request = Encoding.UTF8.GetBytes($"[{string.Join(',', calls)}]");
        await client.Server.Engine.ProcessAsync(request, response, new Engine.RpcSession(null, null), default);
        return [.. JsonSerializer.Deserialize<JsonElement>(response.Written.Span).EnumerateArray()];
    }

    private static FakeNode NewNode() => new(GenesisFile.Parse("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.Parse("2.6"), Key);
}
