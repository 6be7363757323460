using System.Text;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// What a GoQuorum 24.4.1 on real Tesseras was asked with privacy flags, asked of nodes with the same chain and payloads: refusals are the
/// same, and what is not refused goes to the manager with the same promises.
/// </summary>
public sealed class PrivacyFlagSendTests
{
    private const string Folder = "goquorum/raft3-24.4.1-tessera/";

    [VectorFact]
    public async Task Every_send_is_refused_or_promised_as_recorded()
    {
        using var recorded = RecordedNetwork.Json("privacy-flags.json", Folder);
        var parties = new Dictionary<string, Party>();
        var (differences, sends) = (new List<string>(), 0);
        foreach (var step in recorded.RootElement.GetProperty("steps").EnumerateArray())
        {
            if (!step.TryGetProperty("method", out var method) || !IsCompared(method.GetString()!, step)) continue;
            var actor = step.GetProperty("actor").GetString()!;
            if (!parties.TryGetValue(actor, out var party)) parties.Add(actor, party = new Party(actor));
            party.Follow(step.GetProperty("height").GetUInt64());
            if (await party.DifferenceAsync(step) is { } difference)
                differences.Add($"step {step.GetProperty("n")} ({step.GetProperty("note")}): {difference}");
            sends++;
        }
        foreach (var party in parties.Values) await party.DisposeAsync();
        Assert.True(sends > 150, $"{sends}");
        Assert.True(differences.Count == 0, $"{differences.Count} of {sends} differ:\n{string.Join('\n', differences)}");
    }

    /// <summary>Public ones have no flag.</summary>
    private static bool IsCompared(string method, JsonElement step) => method switch
    {
        "eth_sendTransaction" => step.GetProperty("params")[0].TryGetProperty("privateFor", out _),
        "eth_sendRawPrivateTransaction" or "eth_getContractPrivacyMetadata" or "eth_getQuorumPayloadExtra" => true,
        _ => false,
    };

    private sealed class Party : IAsyncDisposable
    {
        private readonly FakeNode _node;
        private readonly RpcClient _client;
        private readonly IReadOnlyList<Block> _blocks = RecordedNetwork.Blocks(Folder);

        public Party(string name)
        {
            using var nodes = RecordedNetwork.Json("nodes.json", Folder);
            var own = nodes.RootElement.EnumerateArray().First(n => n.GetProperty("name").GetString() == name);
            _node = new FakeNode(GenesisFile.Parse(Vectors.ReadText(Folder + "genesis.json")), CompatibilityProfile.V24,
                Hex.FromHex(own.GetProperty("accountKey").GetString()!));
            ReadPayloads(name);
            // Nothing that is tried here is to be in the way of the next block.
            _node.Manager.Refuses = "not sent";
            _client = new RpcClient(_node);
        }

        public void Follow(ulong height)
        {
            while (_node.Head.Number < height) _node.Import(_blocks[(int)_node.Head.Number + 1]);
            Assert.Equal(_node.Head.Number, _node.PrivateHead.Number);
        }

        /// <returns>Null when all is as recorded.</returns>
        public async Task<string?> DifferenceAsync(JsonElement step)
        {
            var (method, parameters) = (step.GetProperty("method").GetString()!, step.GetProperty("params").GetRawText());
            if (method.StartsWith("eth_get", StringComparison.Ordinal) && step.TryGetProperty("result", out var result))
            {
                var have = await _client.CallAsync(method, parameters);
                return JsonElement.DeepEquals(result, have) ? null : $"have {have}, want {result}";
            }
            _node.Manager.Promised.Clear();
            var (code, message, _) = await _client.FailAsync(method, parameters);
            if (step.TryGetProperty("error", out var error) && !IsOfManagerOrPool(error.GetProperty("message").GetString()!))
            {
                var want = (error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString());
                return want == (code, message) ? null : $"have {(code, message)}, want {want}";
            }
            return Sent(step) is { } sent ? Compare(sent, message) : message == "not sent" ? null : $"refused: {message}";
        }

        public async ValueTask DisposeAsync()
        {
            await _client.DisposeAsync();
            _node.Dispose();
        }

        /// <summary>GoQuorum asks both after it has looked at the flag.</summary>
        private static bool IsOfManagerOrPool(string text) => text.Contains(" status: ", StringComparison.Ordinal)
            || text.StartsWith("private transaction manager", StringComparison.Ordinal) || text == "intrinsic gas too low";

        private string? Compare(JsonElement sent, string message)
        {
            if (message != "not sent" || _node.Manager.Promised is not [var promised]) return $"refused: {message}";
            var affected = sent.GetProperty("affectedContractTransactions").EnumerateArray().Select(a => a.GetString()!)
                .Order(StringComparer.Ordinal);
            var hash = sent.TryGetProperty("execHash", out var text) ? text.GetString()! : "";
            var want = $"{sent.GetProperty("privacyFlag")} [{string.Join(',', affected)}] {hash}";
            var named = promised.Affected.Select(a => a.ToBase64()).Order(StringComparer.Ordinal);
            var have = $"{(int)promised.Mode} [{string.Join(',', named)}] {promised.ExecutionHash}";
            return want == have ? null : $"have {have}, want {want}";
        }

        /// <summary>The body of what the recorded node sent to its manager; null when the step does not show it.</summary>
        private static JsonElement? Sent(JsonElement step)
        {
            if (!step.TryGetProperty("q2t", out var calls)) return null;
            foreach (var call in calls.EnumerateArray())
            {
                var line = call.GetProperty("request").GetProperty("line").GetString()!;
                if (call.GetProperty("node").GetString() != step.GetProperty("actor").GetString()) continue;
                if (line.Split(' ') is ["POST", "/send" or "/sendsignedtx", ..])
                    return JsonSerializer.Deserialize<JsonElement>(call.GetProperty("request").GetProperty("body").GetString()!);
            }
            return null;
        }

        private void ReadPayloads(string name)
        {
            using var payloads = RecordedNetwork.Json("payloads.json", Folder);
            foreach (var item in payloads.RootElement.EnumerateObject())
            {
                var known = item.Value;
                var holders = known.TryGetProperty("executedBy", out var executed) ? executed : known.GetProperty("parties");
                if (!known.TryGetProperty("payload", out var text) || !Hex.TryFromHex(text.GetString(), out var payload)) continue;
                var hash = PayloadHash.Parse(item.Name);
                // Also what was stored and not sent yet: the sender's manager has it under the hash.
                if (known.TryGetProperty("sender", out var sender) && sender.GetString() == name) _node.Manager.Payloads[hash] = payload;
                if (holders.EnumerateArray().All(p => p.GetString() != name)) continue;
                _node.Manager.Answers[hash] = Answer(name, hash, known, payload);
            }
        }

        private static PayloadAnswer Answer(string name, in PayloadHash hash, JsonElement known, byte[] payload)
        {
            var answer = PayloadAnswer.Here(hash, payload);
            if (!known.TryGetProperty("privacyFlag", out var flag) || flag.ValueKind != JsonValueKind.Number) return answer;
            return answer with
            {
                PrivacyMode = (PrivacyMode)flag.GetInt32(),
                SenderKey = Convert.FromBase64String(known.GetProperty("senderKey").GetString()!),
                ManagedParties = [.. known.GetProperty("managedParties").GetProperty(name).EnumerateArray()
                    .Select(k => Convert.FromBase64String(k.GetString()!))],
                ExecutionHash = Encoding.ASCII.GetBytes(known.GetProperty("execHash").GetString()!),
                AffectedTransactions = [.. known.GetProperty("affectedContractTransactions").GetProperty(name).EnumerateArray()
                    .Select(a => new PayloadHash(Convert.FromBase64String(a.GetString()!)))],
            };
        }
    }
}
