using System.Net;
using System.Text;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Signing, sending and calling, under the classic profile and a later one.</summary>
public sealed class SendTests
{
    private const string Recipient = "0RaKJeL5+cTohk86XHQgj9CIvs5u3aXcF6/ZGgxYBH4=";
    private const string Reverting = "0x12D8e0e264296B4729a4dfeA8662F53481A80DA3";

    [VectorFact]
    public async Task Private_transaction_is_distributed_then_pooled_with_its_hash()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var from = node.Accounts.Accounts[0];
        var hash = (await client.CallAsync("eth_sendTransaction",
            $$"""[{"from":"{{from}}","data":"0x6001","gas":"0x47b760","privateFor":["{{Recipient}}"]}]""")).GetString();
        var (payload, recipients) = Assert.Single(node.Manager.Distributed);
        Assert.Equal([Recipient], recipients);
        var pooled = await client.CallAsync("eth_getTransactionByHash", $"[\"{hash}\"]");
        Assert.Equal(payload.ToString(), pooled.GetProperty("input").GetString());
        Assert.Contains(pooled.GetProperty("v").GetString(), new[] { "0x25", "0x26" });
        Assert.Equal(from.ToString(), pooled.GetProperty("from").GetString());
        Assert.Equal("0x6001", (await client.CallAsync("eth_getQuorumPayload", $"[\"{payload}\"]")).GetString());
    }

    [VectorFact]
    public async Task What_is_no_digest_is_told_in_the_words_of_go()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        (string Text, string Error)[] cases =
        [
            ("", "Invalid digest hex"), ("0x", "Invalid digest hex"), ("12", "Invalid digest hex"), ("zz", "Invalid digest hex"),
            ("0x1", "encoding/hex: odd length hex string"),
            ("0x1zq", "encoding/hex: invalid byte: U+007A 'z'"), ("12\\u0000", "encoding/hex: invalid byte: U+0000"),
            ("1234", "Expected a Quorum digest of length 64, but got 2"),
        ];
        foreach (var (text, error) in cases)
            Assert.Equal(error, (await client.FailAsync("eth_getQuorumPayload", $"[\"{text}\"]")).Message);
    }

    [VectorFact]
    public async Task Lists_that_would_not_be_signed_are_refused()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var from = node.Accounts.Accounts[0];
        var entry = $$"""[{"address":"{{from}}","storageKeys":[]}]""";
        Assert.Contains("cannot have an accessList",
            (await client.FailAsync("eth_sendTransaction",
            $$"""[{"from":"{{from}}","to":"{{from}}","privateFor":[],"accessList":{{entry}}}]""")).Message, StringComparison.Ordinal);
        Assert.Contains("eth_sendRawTransaction",
            (await client.FailAsync("eth_sendTransaction", $$"""[{"from":"{{from}}","to":"{{from}}","authorizationList":[]}]""")).Message,
            StringComparison.Ordinal);
        Assert.StartsWith("0x", (await client.CallAsync("eth_sendTransaction",
            $$"""[{"from":"{{from}}","to":"{{from}}","accessList":[]}]""")).GetString(), StringComparison.Ordinal);
    }

    [VectorFact]
    public async Task Offline_signing_goes_by_fill_sign_and_send_raw_private()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var key = Keccak.Hash("offline"u8).ToArray();
        var from = Secp256k1.AddressOf(Secp256k1.PublicKey(key));
        var filled = await client.CallAsync("eth_fillTransaction",
            $$"""[{"from":"{{from}}","data":"0x6001","gas":"0x47b760","privateFor":[]}]""");
        Assert.Equal("0x25", filled.GetProperty("tx").GetProperty("v").GetString());
        Assert.Empty(node.Manager.Distributed);
        var unsigned = Transaction.Decode(Hex.FromHex(filled.GetProperty("raw").GetString()!));
        var signed = TransactionSigner.SignPrivate(unsigned, key);
        var raw = Hex.ToHex(signed.EncodedSpan);
        Assert.Equal("transaction is not private",
            (await client.FailAsync("eth_sendRawPrivateTransaction", $$"""["{{raw}}",{}]""")).Message);
        Assert.Equal(signed.Hash.ToString(),
            (await client.CallAsync("eth_sendRawPrivateTransaction", $$"""["{{raw}}",{"privateFor":["{{Recipient}}"]}]""")).GetString());
        Assert.Equal(unsigned.Data, Assert.Single(node.Manager.Distributed).Hash.ToArray());
    }

    [VectorFact]
    public async Task Concurrent_sends_of_one_account_get_consecutive_nonces()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var from = node.Accounts.Accounts[0];
        var first = await node.PendingNonceAsync(from, default);
        await Task.WhenAll(Enumerable.Range(0, 50)
            .Select(_ => Task.Run(() => client.CallAsync("eth_sendTransaction", $$"""[{"from":"{{from}}","to":"{{from}}"}]"""))));
        Assert.Equal(first + 50, await node.PendingNonceAsync(from, default));
        Assert.Equal("0x32", (await client.CallAsync("txpool_status")).GetProperty("pending").GetString());
    }

    [VectorFact]
    public async Task Refused_sends_leave_no_gap()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var from = node.Accounts.Accounts[0];
        var first = await node.PendingNonceAsync(from, default);
        string[] refused = ["\"value\":\"0xffffffffffffffffffff\"", "\"gas\":\"0x1\"", "\"gasPrice\":\"0x1\"",
            "\"gas\":\"0xffffffffffff\""];
        var sends = Enumerable.Range(0, 80).Select(i => Task.Run(async () =>
        {
            var more = i % 2 == 0 ? "" : "," + refused[i / 2 % refused.Length];
            var call = $$"""[{"from":"{{from}}","to":"{{from}}"{{more}}}]""";
            if (i % 2 == 0) await client.CallAsync("eth_sendTransaction", call);
            else await client.FailAsync("eth_sendTransaction", call);
        }));
        await Task.WhenAll(sends);
        var status = await client.CallAsync("txpool_status");
        Assert.Equal(("0x28", "0x0"), (status.GetProperty("pending").GetString(), status.GetProperty("queued").GetString()));
        Assert.Equal(first + 40, await node.PendingNonceAsync(from, default));
    }

    [VectorFact]
    public async Task Later_profiles_tell_reverts_with_reason_and_data()
    {
        // Blocks before the recorded chain's first EIP-1283 store execute alike under later rules.
        using var classic = RecordedNetwork.Node(1);
        await using var client = new RpcClient(classic);
        var call = $$"""[{"to":"{{Reverting}}","data":"0xe134e33d"},"latest"]""";
        var data = (await client.CallAsync("eth_call", call)).GetString()!;
        Assert.StartsWith("0x08c379a0", data);
        Assert.StartsWith("a reason that is rather long", RevertStyle.Reason(Hex.FromHex(data)));
        var error = RevertStyle.Error(Evm.EvmStatus.Revert, Hex.FromHex(data));
        Assert.Equal((3, data), (error.Code, error.ErrorData));
        Assert.StartsWith("execution reverted: a reason that is rather long", error.Message);
        Assert.Equal("execution reverted", RevertStyle.Error(Evm.EvmStatus.Revert, [1, 2, 3]).Message);
    }

    [Fact]
    public void Revert_reasons_are_read_with_care()
    {
        Assert.Null(RevertStyle.Reason([]));
        Assert.Null(RevertStyle.Reason(Hex.FromHex("08c379a0")));
        var longer = Hex.FromHex("08c379a0" + new string('0', 62) + "20" + new string('f', 64));
        Assert.Null(RevertStyle.Reason(longer));
    }

    [VectorFact]
    public async Task Deep_calls_and_endless_loops_end_within_the_gas_cap()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node, new RpcServerOptions { GasCap = 10_000_000 });
        // JUMPDEST PUSH1 0 JUMP as init code never ends by itself.
        Assert.Equal("0x", (await client.CallAsync("eth_call", """[{"data":"0x5b600056","gas":"0xffffffffffff"},"latest"]""")).GetString());
        Assert.Contains("gas required exceeds allowance",
            (await client.FailAsync("eth_estimateGas", """[{"data":"0x5b600056"}]""")).Message);
        // Init code that calls CREATE with itself as long as there is gas and depth.
        Assert.Equal("0x", (await client.CallAsync("eth_call",
            """[{"data":"0x3860006000393860006000f0","gas":"0xffffffffffff"},"latest"]""")).GetString());
        Assert.Equal("0x7f", (await client.CallAsync("eth_blockNumber")).GetString());
    }

    // JUMPDEST PUSH1 0 JUMP; and one that calls itself by CREATE without end, given so much gas that nothing else would stop it soon.
    [VectorTheory]
    [InlineData("0x5b600056")]
    [InlineData("0x5b3860006000393860006000f050600056")]
    public async Task Calls_end_when_their_time_is_over(string code)
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node,
            new RpcServerOptions { GasCap = long.MaxValue, CallTimeout = TimeSpan.FromMilliseconds(200) });
        var call = $$"""[{"data":"{{code}}","gas":"0x7ffffffffffffff"},"latest"]""";
        Assert.Equal((-32000, "execution aborted (timeout = 200ms)"), await WithoutData(client.FailAsync("eth_call", call)));
        Assert.Equal((-32000, "execution aborted (timeout = 200ms)"), await WithoutData(client.FailAsync("eth_estimateGas", call)));
        Assert.Equal("0x7f", (await client.CallAsync("eth_blockNumber")).GetString());
    }

    [VectorFact]
    public async Task A_call_ends_with_its_caller()
    {
        using var node = RecordedNetwork.Node(1);
        await using var server = new RpcServer(
            node, new RpcServerOptions
            {
                Http = new RpcEndpointOptions("127.0.0.1", 0, ["eth"]),
                GasCap = long.MaxValue,
                CallTimeout = TimeSpan.Zero
            }, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await server.StartAsync(default);
        using var http = new HttpClient();
        // More callers than calls run at once: were those that have gone not ended, the last one would wait for ever.
        for (var i = 0; i < 3 * Math.Max(2, Environment.ProcessorCount); i++)
        {
            using var leaves = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AskAsync("0x5b600056", leaves.Token));
        }
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        Assert.Contains("\"0x\"", await AskAsync("0x00", patience.Token));

        async Task<string> AskAsync(string code, CancellationToken cancellation)
        {
            using var body = new StringContent(
                $$"""{"id":1,"method":"eth_call","params":[{"data":"{{code}}","gas":"0x7ffffffffffffff"},"latest"]}""",
                System.Text.Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(server.HttpAddress, body, cancellation);
            return await answer.Content.ReadAsStringAsync(cancellation);
        }
    }

    [VectorFact]
    public async Task States_that_are_no_longer_kept_are_refused_and_the_oldest_is_named()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        node.Prune(100);
        const string Account = "0xed9d02e382b34818e88b88a309c7fe71e65f419d";
        foreach (var (method, parameters) in new[]
        {
            ("eth_getBalance", $"[\"{Account}\",\"0x63\"]"), ("eth_getTransactionCount", $"[\"{Account}\",\"0x1\"]"),
            ("eth_getCode", $"[\"{Account}\",\"0x63\"]"),
            ("eth_getStorageAt", $"[\"{Account}\",\"0x0\",\"0x63\"]"), ("eth_call", $$"""[{"to":"{{Account}}"},"0x63"]"""),
            ("eth_getProof", $"[\"{Account}\",[],\"0x63\"]"),
        })
        {
            var (code, message, _) = await client.FailAsync(method, parameters);
            Assert.Equal(-32000, code);
            Assert.Contains("is not kept: the oldest one is of block 100", message);
        }
        foreach (var block in new[] { "0x64", "0x7f", "latest" })
            await client.CallAsync("eth_getBalance", $"[\"{Account}\",\"{block}\"]");
    }

    private static async Task<(int, string)> WithoutData(Task<(int Code, string Message, string? Data)> failed)
    {
        var (code, message, _) = await failed;
        return (code, message);
    }

    [VectorFact]
    public async Task Send_async_reports_to_its_callback()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var from = node.Accounts.Accounts[0];
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/done";
        Assert.Equal(default(Hash256).ToString(),
            (await client.CallAsync("eth_sendTransactionAsync", $$"""[{"from":"{{from}}","to":"{{from}}","callbackUrl":"{{url}}"}]"""))
            .GetString());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var connection = await listener.AcceptTcpClientAsync(timeout.Token);
        var text = await ReadRequestAsync(connection.GetStream(), timeout.Token);
        using var report = JsonDocument.Parse(text[text.IndexOf('{')..]);
        Assert.Equal(1, report.RootElement.GetProperty("id").GetInt32());
        Assert.Equal("0x1", (await client.CallAsync("txpool_status")).GetProperty("pending").GetString());
        Assert.Equal("callbackUrl is not an http or https URL",
            (await client.FailAsync("eth_sendTransactionAsync", $$"""[{"from":"{{from}}","callbackUrl":"file:///x"}]""")).Message);
    }

    private static async Task<string> ReadRequestAsync(Stream stream, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains('}'))
        {
            var read = await stream.ReadAsync(buffer, cancellation);
            if (read == 0) break;
            text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), cancellation);
        return text.ToString();
    }
}
