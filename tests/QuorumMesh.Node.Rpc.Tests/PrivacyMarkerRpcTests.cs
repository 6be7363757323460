using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class PrivacyMarkerRpcTests
{
    private const string Folder = "goquorum/qbft4-24.4.1/";

    /// <summary>Stores 42 at slot 0, logs once, deploys one byte of code.</summary>
    private const string InitCode = "0x602a60005560006000a060016000f3";

    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly RpcServerOptions Marking = new() { SendsPrivacyMarkers = true };

    /// <summary>Each question about a marker is answered as GoQuorum 24.4.1 answered it, at parties and at strangers.</summary>
    [VectorTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Recorded_markers_are_answered_as_at_each_party(int number)
    {
        using var node = Recorded(number);
        await using var client = new RpcClient(node);
        using var recorded = RecordedNetwork.Json("privacyMarkers.json", Folder);
        var markers = recorded.RootElement.GetProperty($"node{number}").EnumerateObject().ToList();
        Assert.Equal(9, markers.Count);
        foreach (var marker in markers)
        {
            var hash = $"[\"{marker.Name}\"]";
            AssertSame(marker.Value.GetProperty("privateTransaction"), await client.CallAsync("eth_getPrivateTransactionByHash", hash));
            AssertSame(marker.Value.GetProperty("receipt"), await client.CallAsync("eth_getTransactionReceipt", hash));
            var receipt = marker.Value.GetProperty("privateReceipt");
            if (receipt.TryGetProperty("error", out var error))
                Assert.Equal((error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString()),
                    await client.FailAsync("eth_getPrivateTransactionReceipt", hash) is var (code, text, _) ? (code, text) : default);
            else
                AssertSame(receipt, await client.CallAsync("eth_getPrivateTransactionReceipt", hash));
        }
    }

    [Fact]
    public async Task Private_transactions_are_sent_behind_markers_and_looked_into_by_the_markers_hash()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node, Marking);
        var hash = (await SendAsync(client, $"\"data\":\"{InitCode}\"")).GetString()!;
        var marker = (await node.FindPooledAsync(Hash256.Parse(hash), default))!.Tx;
        Assert.Equal(PrivacyMarker.Address, marker.To);
        Assert.Equal((0ul, IntrinsicGas.Of(marker, Evm.Fork.Istanbul), true), (marker.Nonce, marker.GasLimit, marker.IsProtected));
        // First the payload, then the signed transaction that names it, with the line end of GoQuorum's encoder.
        var text = node.Manager.Payloads[new PayloadHash(marker.Data)];
        var inner = TransactionText.Decode(text);
        Assert.Equal(Hex.ToHex(text), Hex.ToHex(TransactionText.Encode(inner)) + "0a");
        Assert.Equal([new PayloadHash(inner.Data), new PayloadHash(marker.Data)], node.Manager.Distributed.Select(d => d.Hash));
        Assert.Equal((0ul, 0x47b760ul, true), (inner.Nonce, inner.GasLimit, inner.IsPrivate));

        node.Import(node.Mint(marker));
        var contract = Address.ForCreate(Sender, 0);
        Assert.Equal("0x00", (await client.CallAsync("eth_getCode", $"[\"{contract}\",\"latest\"]")).GetString());
        Assert.Equal("0x1", (await client.CallAsync("eth_getTransactionCount", $"[\"{Sender}\",\"latest\"]")).GetString());
        var own = await client.CallAsync("eth_getPrivateTransactionReceipt", $"[\"{hash}\"]");
        Assert.Equal((contract.ToString(), "0x0", hash), (own.GetProperty("contractAddress").GetString(),
            own.GetProperty("gasUsed").GetString(), own.GetProperty("transactionHash").GetString()));
        var shown = await client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]");
        Assert.True(shown.GetProperty("isPrivacyMarkerTransaction").GetBoolean());
        Assert.Equal((JsonValueKind.Null, 0), (shown.GetProperty("contractAddress").ValueKind, shown.GetProperty("logs").GetArrayLength()));
        Assert.Equal(inner.Hash.ToString(),
            (await client.CallAsync("eth_getPrivateTransactionByHash", $"[\"{hash}\"]")).GetProperty("hash").GetString());
        // Logs of the transaction in a marker are found like those of any other.
        var log = Assert.Single((await client.CallAsync("eth_getLogs", """[{"fromBlock":"0x0","toBlock":"latest"}]""")).EnumerateArray());
        Assert.Equal((hash, "0x0"), (log.GetProperty("transactionHash").GetString(), log.GetProperty("logIndex").GetString()));
    }

    [Fact]
    public async Task Logs_in_a_marker_are_heard_as_they_happen()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node, Marking);
        await client.CallAsync("eth_subscribe", """["logs",{}]""");
        var hash = (await SendAsync(client, $"\"data\":\"{InitCode}\"")).GetString()!;
        node.Import(node.Mint((await node.FindPooledAsync(Hash256.Parse(hash), default))!.Tx));
        var heard = (await client.HearAsync()).GetProperty("result");
        Assert.Equal((hash, "0x0"), (heard.GetProperty("transactionHash").GetString(), heard.GetProperty("logIndex").GetString()));
    }

    [Fact]
    public async Task Without_the_flag_or_before_the_block_private_transactions_are_sent_as_such()
    {
        using (var node = NewNode())
        {
            await using var client = new RpcClient(node);
            Assert.True((await PooledAsync(node, await SendAsync(client, $"\"data\":\"{InitCode}\""))).IsPrivate);
        }
        using var early = NewNode("\"privacyPrecompileBlock\": 1");
        await using var marking = new RpcClient(early, Marking);
        Assert.True((await PooledAsync(early, await SendAsync(marking, $"\"data\":\"{InitCode}\""))).IsPrivate);
        early.Import(early.Mint());
        Assert.Equal(PrivacyMarker.Address, (await PooledAsync(early, await SendAsync(marking, $"\"data\":\"{InitCode}\""))).To);
    }

    [Fact]
    public async Task What_the_pool_would_refuse_is_refused_before_its_marker_is_made()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node, Marking);
        var failed = await client.FailAsync("eth_sendTransaction",
            $$"""[{"from":"{{Sender}}","data":"{{InitCode}}","gas":"0x5208","privateFor":[]}]""");
        Assert.Equal("intrinsic gas too low", failed.Message);
        Assert.Equal(0, (await node.PoolCountsAsync(default)).Pending);
        // The nonce is free again.
        Assert.Equal(0ul, (await PooledAsync(node, await SendAsync(client, $"\"data\":\"{InitCode}\""))).Nonce);
    }

    [Fact]
    public async Task A_marker_of_ones_own_is_made_of_what_was_distributed()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var payload = await node.Manager.StoreRawAsync(Hex.FromHex(InitCode), null, default);
        var inner = TransactionSigner.SignPrivate(new Transaction { GasLimit = 400_000, Data = payload.ToArray() }, Key);
        var raw = Hex.ToHex(inner.EncodedSpan);
        var data = (await client.CallAsync("eth_distributePrivateTransaction", $$"""["{{raw}}",{"privateFor":[]}]""")).GetString()!;
        Assert.Equal(TransactionText.Encode(inner), node.Manager.Payloads[PayloadHash.Parse(data)]);
        Assert.Equal([payload, PayloadHash.Parse(data)], node.Manager.Distributed.Select(d => d.Hash));
        Assert.Equal(0, (await node.PoolCountsAsync(default)).Pending);

        var marker = TransactionSigner.Sign(
            new Transaction { GasLimit = 40_000, To = PrivacyMarker.Address, Data = Hex.FromHex(data) }, Key, 10u);
        await client.CallAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(marker.EncodedSpan)}\"]");
        node.Import(node.Mint(marker));
        Assert.Equal("0x00", (await client.CallAsync("eth_getCode", $"[\"{Address.ForCreate(Sender, 0)}\",\"latest\"]")).GetString());

        Assert.Equal("transaction is not private",
            (await client.FailAsync("eth_distributePrivateTransaction", $$"""["{{raw}}",{}]""")).Message);
        Assert.Equal("transaction is not private", (await client.FailAsync(
            "eth_distributePrivateTransaction", $$"""["{{Hex.ToHex(marker.EncodedSpan)}}",{"privateFor":[]}]""")).Message);
    }

    [Fact]
    public async Task A_raw_marker_that_would_run_nothing_here_is_refused_with_the_cause()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        async Task<string> RefusedAsync(Transaction marker) =>
            (await client.FailAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(marker.EncodedSpan)}\"]")).Message;
        var payload = await node.Manager.StoreRawAsync(Hex.FromHex(InitCode), null, default);
        Transaction Inner(ulong nonce, ulong gas = 400_000) =>
            TransactionSigner.SignPrivate(new Transaction { Nonce = nonce, GasLimit = gas, Data = payload.ToArray() }, Key);
        async Task<Transaction> MarkerAsync(byte[] text, ulong value = 0) => TransactionSigner.Sign(new Transaction
        {
            GasLimit = 40_000,
            Value = value,
            To = PrivacyMarker.Address,
            Data = (await node.Manager.StoreRawAsync(text, null, default)).ToArray(),
        }, Key, 10u);
        Assert.Contains("has the nonce 3, the marker 0", await RefusedAsync(await MarkerAsync(TransactionText.Encode(Inner(3)))),
            StringComparison.Ordinal);
        Assert.Contains("holds no transaction", await RefusedAsync(await MarkerAsync("{}"u8.ToArray())), StringComparison.Ordinal);
        Assert.Equal("intrinsic gas too low", await RefusedAsync(await MarkerAsync(TransactionText.Encode(Inner(0, gas: 50_000)))));
        var good = TransactionText.Encode(Inner(0));
        Assert.Equal(QuorumMesh.Chain.Pool.PoolErrors.MarkerValue, await RefusedAsync(await MarkerAsync(good, value: 1)));
        // Of a payload that this node is no party to it can tell nothing.
        var foreign = new Transaction { Nonce = 0, GasLimit = 40_000, To = PrivacyMarker.Address, Data = new byte[PayloadHash.Size] };
        await client.CallAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(TransactionSigner.Sign(foreign, Key, 10u).EncodedSpan)}\"]");
    }

    [Fact]
    public async Task A_tracer_sees_the_marker_and_the_transaction_behind_it_its_state()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node, Marking);
        var first = await PooledAsync(node, await SendAsync(client, $"\"data\":\"{InitCode}\""));
        var contract = Address.ForCreate(Sender, 0);
        var call = TransactionSigner.SignPrivate(new Transaction
        {
            Nonce = 1,
            GasLimit = 100_000,
            To = contract,
            Data = (await node.Manager.StoreRawAsync([1], null, default)).ToArray(),
        }, Key);
        node.Import(node.Mint(first, call));
        var trace = await client.CallAsync("debug_traceTransaction", $"[\"{call.Hash}\"]");
        Assert.False(trace.GetProperty("failed").GetBoolean());
        // STOP: the code that the transaction in the marker deployed.
        Assert.Equal("STOP", Assert.Single(trace.GetProperty("structLogs").EnumerateArray()).GetProperty("op").GetString());
        var marker = await client.CallAsync("debug_traceTransaction", $"[\"{first.Hash}\"]");
        Assert.Equal(first.GasLimit, marker.GetProperty("gas").GetUInt64());
    }

    private static Task<JsonElement> SendAsync(RpcClient client, string fields) => client.CallAsync(
        "eth_sendTransaction", $$"""[{"from":"{{Sender}}","gas":"0x47b760","privateFor":[],{{fields}}}]""");

    private static async Task<Transaction> PooledAsync(FakeNode node, JsonElement hash) =>
        (await node.FindPooledAsync(Hash256.Parse(hash.GetString()!), default))!.Tx;

    /// <summary>What GoQuorum does not have is left out.</summary>
    private static void AssertSame(JsonElement expected, JsonElement have)
    {
        var node = JsonNode.Parse(have.GetRawText());
        if (node is JsonObject fields) fields.Remove("effectiveGasPrice");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected.GetRawText()), node), $"have {node}, want {expected}");
    }

    private static FakeNode Recorded(int number)
    {
        // Node 2 kept what reverted transactions returned.
        var node = new FakeNode(GenesisFile.Parse(Vectors.ReadText(Folder + "genesis.json")), CompatibilityProfile.V24, number == 2, Key);
        using var payloads = RecordedNetwork.Json("payloads.json", Folder);
        foreach (var item in payloads.RootElement.EnumerateObject())
        {
            if (item.Value.GetProperty("parties").EnumerateArray().All(p => p.GetInt32() != number)) continue;
            var hash = PayloadHash.Parse(item.Name);
            node.Manager.Answers[hash] = PayloadAnswer.Here(hash, Hex.FromHex(item.Value.GetProperty("payload").GetString()!)) with
            {
                PrivacyMode = (PrivacyMode)item.Value.GetProperty("privacyFlag").GetInt32(),
                ExecutionHash = Encoding.ASCII.GetBytes(item.Value.GetProperty("execHash").GetString()!),
                AffectedTransactions = [.. item.Value.GetProperty("affectedContractTransactions").EnumerateArray()
                    .Select(a => new PayloadHash(Convert.FromBase64String(a.GetString()!)))],
            };
        }
        foreach (var block in RecordedNetwork.Blocks(Folder).Skip(1)) node.Import(block);
        return node;
    }

    private static FakeNode NewNode(string config = "\"privacyPrecompileBlock\": 0") => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Sender}}": { "balance": "1000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true, {{config}} },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Key);
}
