using System.Text;
using System.Text.Json.Nodes;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.EndToEnd.Recorded;

/// <param name="Method">JSON-RPC method, or the manager's path.</param>
internal sealed record Difference(string File, string Method, string Text)
{
    public override string ToString() => $"{File} | {Method} | {Text}";
}

/// <summary>
/// Plays a recording's requests, in order and from the same sides, against a network, and compares the answers' forms. Public raw
/// transactions go out as they are; private ones need a payload hash of this network and are signed anew.
/// </summary>
internal sealed class Replay(LocalNetwork network, RecordedFile file) : IAsyncDisposable
{
    private readonly ValueMap _map = new();
    private readonly Dictionary<char, WebSocketPeer> _peers = [];
    private readonly Dictionary<string, string> _subscriptions = [];
    private readonly HashSet<string> _sent = [];
    private readonly Dictionary<string, string> _contracts = [];
    private readonly List<Difference> _differences = [];
    private AnswerForm _form = null!;

    /// <summary>An account's transactions wait for one that the recording lacks: what they would bring need not be waited for.</summary>
    private bool _isStuck;

    /// <summary>Exchanges that were compared.</summary>
    public int Compared { get; private set; }

    /// <summary>Exchanges that name a transaction, filter or block whose own exchange the recording has left out.</summary>
    public int Unnamed { get; private set; }

    public async Task<IReadOnlyList<Difference>> RunAsync()
    {
        _form = new AnswerForm(_map);
        LearnParties();
        foreach (var exchange in file.Exchanges) FindContracts(exchange.Response);
        for (var i = 0; i < file.Exchanges.Count; i++)
        {
            _map.Head = await network.HeadAsync(0);
            await PlayAsync(file.Exchanges[i], i);
        }
        return _differences;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers.Values) await peer.DisposeAsync();
    }

    private static int IndexOf(char node) => node - 'A';

    /// <summary>The accounts that nodes sent from, and the keys that payloads were for.</summary>
    private void LearnParties()
    {
        foreach (var exchange in file.Exchanges)
        {
            if (Parse(exchange.Request) is not JsonObject call) continue;
            var party = network.Definition.Participants[IndexOf(exchange.Node)];
            if ((string?)call["method"] == "eth_accounts" && exchange.Response?["result"]?[0] is { } account)
                _map.Add((string)account!, party.Account);
            if ((string?)call["method"] == "eth_sendTransaction") LearnSend(call["params"]![0]!, exchange.Node);
            if (exchange.IsManagers && (string?)call["from"] is { } key) _map.Add(key, party.TxManagerKey);
            if ((string?)call["method"] == "eth_sendRawPrivateTransaction") LearnRecipients(call["params"]![1]!, exchange.Node);
        }
    }

    private void LearnSend(JsonNode transaction, char node)
    {
        _map.Add((string)transaction["from"]!, network.Definition.Participants[IndexOf(node)].Account);
        LearnRecipients(transaction, node);
    }

    private void LearnRecipients(JsonNode transaction, char node)
    {
        var sender = network.Definition.Participants[IndexOf(node)];
        if ((string?)transaction["privateFrom"] is { } from) _map.Add(from, sender.TxManagerKey);
        foreach (var recipient in transaction["privateFor"]?.AsArray() ?? [])
            if (!_map.Knows((string)recipient!)) _map.Add((string)recipient!, network.Definition.Participants[1].TxManagerKey);
    }

    private async Task PlayAsync(RecordedExchange exchange, int at)
    {
        if (exchange.IsOpening) await OpenAsync(exchange.Node, at);
        else if (exchange.Subscription is not null) await HearAsync(exchange);
        else if (exchange.IsManagers) await AskManagerAsync(exchange);
        else if (exchange.Request is not null) await CallAsync(exchange);
    }

    /// <summary>Everything that is heard later is subscribed to before anything happens that is told of.</summary>
    private async Task OpenAsync(char node, int at)
    {
        if (!_peers.TryGetValue(node, out var peer))
            _peers[node] = peer = await WebSocketPeer.OpenAsync(network.Definition.Participants[IndexOf(node)].Ws);
        foreach (var heard in file.Exchanges.Skip(at).Where(e => e.Node == node && e.Subscription is not null))
        {
            var parameters = heard.Subscription!;
            if (_subscriptions.ContainsKey(parameters)) continue;
            var request = $$"""{"jsonrpc":"2.0","id":"own","method":"eth_subscribe","params":{{_map.Apply(parameters)}}}""";
            var answer = await peer.CallAsync(request, isBinary: false);
            _subscriptions[parameters] = (string?)answer!["result"]
                ?? throw new InvalidOperationException($"{file.Name}: {request} was answered {answer.ToJsonString()}");
        }
    }

    private async Task HearAsync(RecordedExchange exchange)
    {
        if (await NamesNoContractAsync(exchange.Subscription!))
        {
            Unnamed++;
            return;
        }
        var peer = _peers[exchange.Node];
        var heard = await peer.HearAsync(_subscriptions[exchange.Subscription!],
            _isStuck ? TimeSpan.FromSeconds(5) : WebSocketPeer.Patience);
        Compared++;
        if (heard is null)
        {
            Differ("eth_subscription", $"{exchange.Subscription}: nothing came");
            return;
        }
        var (recorded, actual) = (Result(exchange.Response!), Result(heard));
        Note("eth_subscription", _form.Compare("eth_subscription", recorded, actual));
        _map.Learn(recorded, actual);

        static JsonNode Result(JsonNode notification) =>
            new JsonObject { ["jsonrpc"] = "2.0", ["result"] = notification["params"]!["result"]?.DeepClone() };
    }

    /// <summary>Whether logs are of a contract whose creation the recording lacks.</summary>
    private async Task<bool> NamesNoContractAsync(string subscription)
    {
        var address = System.Text.RegularExpressions.Regex.Match(_map.Apply(subscription), "0x[0-9a-fA-F]{40}(?![0-9a-fA-F])");
        return address.Success
            && (string?)await network.Rpc[0].CallAsync("eth_getCode", CancellationToken.None, address.Value, "latest") == "0x";
    }

    private async Task AskManagerAsync(RecordedExchange exchange)
    {
        var (method, path) = (exchange.Line!.Split(' ')[0], exchange.Line.Split(' ')[1]);
        using var request = new HttpRequestMessage(new HttpMethod(method),
            network.Definition.Participants[IndexOf(exchange.Node)].ThirdParty + path);
        if (method == "POST") request.Content = new StringContent(_map.Apply(exchange.Request!), Encoding.UTF8, "application/json");
        using var answer = await network.Http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        Compared++;
        if (exchange.Response?["key"] is { } recorded)
            _map.Add(ToHex((string)recorded!), ToHex((string)JsonNode.Parse(body)!["key"]!));
        else if (body != exchange.ResponseText) Differ(path, $"answers '{body}', where '{exchange.ResponseText}' was recorded");
    }

    private async Task CallAsync(RecordedExchange exchange)
    {
        var call = Parse(exchange.Request);
        var method = (string?)(call as JsonObject)?["method"] ?? "batch";
        if (NamesWhatIsLeftOut(method, call, exchange))
        {
            Unnamed++;
            return;
        }
        var request = await RequestAsync(method, call, exchange);
        var isMined = method != "eth_sendRawTransaction" || await IsNextAsync((string)Parse(request)!["params"]![0]!);
        var answer = exchange.IsWebSocket ? await _peers[exchange.Node].CallAsync(request, exchange.IsBinary)
            : await PostAsync(exchange.Node, request);
        _isStuck |= !isMined;
        if (isMined) await SettleAsync(method, answer, exchange.Response);
        Compared++;
        if (exchange.Response is not { } recorded)
        {
            // The recorded answer is cut: that there is one is all that can be said.
            if (answer?["result"] is null) Differ(method, $"no result: {answer?["error"]?.ToJsonString()}");
            return;
        }
        Note(method, _form.Compare(method, recorded, answer));
        if (isMined && recorded is JsonObject && answer is JsonObject) LearnFrom(method, recorded, answer);
    }

    /// <summary>Where the recording lacks an account's earlier transaction its later ones wait for ever.</summary>
    private async Task<bool> IsNextAsync(string raw)
    {
        var transaction = Transaction.Decode(Hex.FromHex(raw));
        return Sender(transaction) is not { } sender
            || transaction.Nonce <= await network.QuantityAsync(0, "eth_getTransactionCount", sender.ToString(), "latest");
    }

    /// <summary>The recording has each form of an exchange once, so that some transactions' sends are not in it.</summary>
    private bool NamesWhatIsLeftOut(string method, JsonNode? call, RecordedExchange exchange)
    {
        var named = method is "eth_getTransactionReceipt" or "eth_getTransactionByHash" or "eth_getFilterChanges" or "eth_getFilterLogs"
            or "eth_uninstallFilter" or "eth_unsubscribe" or "eth_getBlockByHash" or "eth_getRawTransactionByHash"
            or "eth_getQuorumPayload" or "debug_traceTransaction";
        return named && exchange.Response?["result"] is not null && call!["params"]![0] is JsonValue value
            && !_map.Knows((string)value!) && !_sent.Contains((string)value!);
    }

    private async Task<string> RequestAsync(string method, JsonNode? call, RecordedExchange exchange)
    {
        switch (method)
        {
            case "eth_sendRawTransaction":
                return exchange.Request!;
            case "eth_sendRawPrivateTransaction":
                call!["params"]![0] = await SignAnewAsync((string)call["params"]![0]!, exchange);
                return _map.Apply(call.ToJsonString());
            case "eth_sendTransaction" when call!["params"]![0]!["nonce"] is not null:
                var account = network.Definition.Participants[IndexOf(exchange.Node)].Account;
                call["params"]![0]!["nonce"] = $"0x{await network.QuantityAsync(0, "eth_getTransactionCount", account, "pending"):x}";
                return _map.Apply(call.ToJsonString());
            default:
                return _map.Apply(WithBlocks(call, exchange.Request!));
        }
    }

    /// <summary>Where nothing has to be changed the request's own text is sent.</summary>
    private string WithBlocks(JsonNode? call, string request)
    {
        if (call is not JsonObject || call["params"] is not JsonArray parameters) return request;
        var changed = false;
        var method = (string)call["method"]!;
        for (var i = 0; i < parameters.Count; i++)
        {
            if (parameters[i] is JsonObject fields && method is "eth_getLogs" or "eth_newFilter" or "eth_getBlockReceipts" or "eth_call")
                foreach (var key in new[] { "fromBlock", "toBlock", "blockNumber" }) changed |= Change((parameters[i] as JsonObject)?[key]);
            else if (IsBlock(method, i)) changed |= Change(parameters[i]);
        }
        return changed ? call.ToJsonString() : request;

        bool Change(JsonNode? at)
        {
            if (at is not JsonValue || (string?)at is not { Length: > 2 and < 19 } text || !text.StartsWith("0x", StringComparison.Ordinal))
                return false;
            at.ReplaceWith(_map.Block(text));
            return true;
        }
    }

    private static bool IsBlock(string method, int index) => (method, index) switch
    {
        ("eth_getBlockByNumber" or "eth_getBlockReceipts" or "eth_getBlockTransactionCountByNumber", 0) => true,
        ("eth_getUncleCountByBlockNumber" or "eth_getTransactionByBlockNumberAndIndex", 0) => true,
        ("eth_call" or "eth_getBalance" or "eth_getCode" or "eth_getTransactionCount" or "eth_feeHistory", 1) => true,
        ("eth_getStorageAt" or "eth_getProof", 2) => true,
        _ => false,
    };

    /// <summary>A private transaction with the payload hash, the contract and the signature of this network.</summary>
    private async Task<string> SignAnewAsync(string raw, RecordedExchange exchange)
    {
        var recorded = Transaction.Decode(Hex.FromHex(raw));
        if (!recorded.IsPrivate) return raw;
        var to = recorded.To is { } contract ? _map.Apply($"\"{contract}\"").Trim('"') : null;
        var hash = _map.Apply($"\"{Hex.ToHex(recorded.Data)}\"").Trim('"');
        var data = hash != Hex.ToHex(recorded.Data) ? Hex.FromHex(hash)
            : await network.StoreRawAsync(IndexOf(exchange.Node), to is null ? Creation : $"0x60fe47b1{new string('0', 63)}9");
        var sender = Sender(recorded)!.Value;
        var key = Keccak.Hash(sender.ToArray()).ToArray();
        var signed = Hex.ToHex(TransactionSigner.SignPrivate(new Transaction
        {
            Nonce = recorded.Nonce,
            GasLimit = recorded.GasLimit,
            To = to is null ? null : Address.Parse(to),
            Data = data
        }, key).EncodedSpan);
        var own = Secp256k1.AddressOf(Secp256k1.PublicKey(key));
        _map.Add(raw, signed);
        _map.Add(Hex.ToHex(recorded.Data), Hex.ToHex(data));
        _map.Add(sender.ToString(), own.ToString());
        _map.Add(Address.ForCreate(sender, recorded.Nonce).ToString(), Address.ForCreate(own, recorded.Nonce).ToString());
        return signed;
    }

    private static Address? Sender(Transaction recorded) =>
        TransactionSigner.TryRecover(recorded, 10u, Evm.Fork.Cancun, out var sender) ? sender : null;

    /// <summary>Any contract of the recorded kind: each library made one with an account of the node.</summary>
    private string Creation => file.Exchanges.Select(e => Parse(e.Request) as JsonObject)
        .Where(c => (string?)c?["method"] == "eth_sendTransaction").Select(c => c!["params"]![0]!)
        .First(t => t["to"] is null).AsObject() is var creation ? (string)(creation["data"] ?? creation["input"])! : "";

    private async Task<JsonNode?> PostAsync(char node, string request)
    {
        using var content = new StringContent(request, Encoding.UTF8, "application/json");
        using var answer = await network.Http.PostAsync(network.Definition.Participants[IndexOf(node)].Rpc, content);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What was sent is in a block everywhere before anything else is asked.</summary>
    private async Task SettleAsync(string method, JsonNode? answer, JsonNode? recorded)
    {
        if (!method.StartsWith("eth_send", StringComparison.Ordinal) || (string?)answer?["result"] is not { } hash) return;
        _sent.Add(hash);
        foreach (var party in network.Parties)
        {
            var receipt = await party.ReceiptAsync(hash, CancellationToken.None);
            if ((string?)recorded?["result"] is { } was && _contracts.TryGetValue(was, out var contract)
                && (string?)receipt["contractAddress"] is { } made) _map.Add(contract, made);
        }
    }

    /// <summary>Contracts of the recorded network by the transactions that made them, from all receipts of the recording.</summary>
    private void FindContracts(JsonNode? part)
    {
        if (part is JsonArray items) foreach (var item in items) FindContracts(item);
        if (part is not JsonObject fields) return;
        if (fields["transactionHash"] is JsonValue hash && fields["contractAddress"] is JsonValue contract)
            _contracts[(string)hash!] = (string)contract!;
        FindContracts(fields["result"]);
    }

    private void LearnFrom(string method, JsonNode recorded, JsonNode answer)
    {
        if (recorded["result"] is JsonValue was && answer["result"] is JsonValue isNow
            && (method.StartsWith("eth_send", StringComparison.Ordinal) || method.StartsWith("eth_new", StringComparison.Ordinal)
                || method == "eth_subscribe"))
            _map.Add((string)was!, (string)isNow!);
        else if (method == "eth_getFilterChanges" && recorded["result"] is JsonArray { Count: > 0 } hashes && hashes[0] is JsonValue)
            LearnHashes(hashes, answer["result"] as JsonArray);
        else _map.Learn(recorded["result"], answer["result"]);
    }

    private void LearnHashes(JsonArray recorded, JsonArray? actual)
    {
        // The last one belongs to the write before it.
        if (actual is { Count: > 0 }) _map.Add((string)recorded[^1]!, (string)actual[^1]!);
    }

    private void Note(string method, IEnumerable<string> differences)
    {
        foreach (var text in differences) Differ(method, text);
    }

    private void Differ(string method, string text) => _differences.Add(new Difference(file.Name, method, text));

    private static string ToHex(string base64) => Convert.ToHexStringLower(Convert.FromBase64String(base64));

    private static JsonNode? Parse(string? text)
    {
        try
        {
            return string.IsNullOrEmpty(text) ? null : JsonNode.Parse(text);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
