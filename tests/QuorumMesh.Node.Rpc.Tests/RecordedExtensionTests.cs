using System.Text;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// What GoQuorum 24.4.1 nodes on real Tesseras were asked about contract extensions, asked of nodes with the same chain and payloads: what
/// was refused is refused in the same words, and what was not goes to the same parties.
/// </summary>
public sealed class RecordedExtensionTests
{
    private const string Folder = "goquorum/raft3-24.4.1-tessera/";

    [VectorFact]
    public async Task Every_step_is_answered_refused_or_sent_as_recorded()
    {
        using var recorded = RecordedNetwork.Json("extension.json", Folder);
        var parties = new Dictionary<string, Party>();
        var (differences, steps) = (new List<string>(), 0);
        foreach (var step in recorded.RootElement.GetProperty("steps").EnumerateArray())
        {
            if (!step.TryGetProperty("method", out var method)) continue;
            if (!method.GetString()!.StartsWith("quorumExtension_", StringComparison.Ordinal)) continue;
            var actor = step.GetProperty("actor").GetString()!;
            if (!parties.TryGetValue(actor, out var party)) parties.Add(actor, party = new Party(actor, recorded.RootElement));
            party.Follow(step.GetProperty("height").GetUInt64());
            if (await party.DifferenceAsync(step) is { } difference)
                differences.Add($"step {step.GetProperty("n")} {method} ({step.GetProperty("note")}): {difference}");
            steps++;
        }
        foreach (var party in parties.Values) await party.DisposeAsync();
        Assert.Equal(127, steps);
        Assert.True(differences.Count == 0, $"{differences.Count} of {steps} differ:\n{string.Join('\n', differences)}");
    }

    private sealed class Party : IAsyncDisposable
    {
        private const string NotSent = "not sent";

        private static readonly byte[] ManagementCode = ManagementContract.Create(Address.Zero, Address.Zero, "")[..^128];

        private readonly FakeNode _node;
        private readonly RpcClient _client;
        private readonly IReadOnlyList<Block> _blocks = RecordedNetwork.Blocks(Folder);

        public Party(string name, JsonElement extension)
        {
            using var nodes = RecordedNetwork.Json("nodes.json", Folder);
            var own = nodes.RootElement.EnumerateArray().First(n => n.GetProperty("name").GetString() == name);
            _node = new FakeNode(GenesisFile.Parse(Vectors.ReadText(Folder + "genesis.json")), CompatibilityProfile.V24,
                Hex.FromHex(own.GetProperty("accountKey").GetString()!));
            ReadPayloads(name);
            foreach (var vote in extension.GetProperty("uuids").EnumerateArray())
                if (vote.GetProperty("sender").GetString() == name)
                    _node.Manager.Votes[PayloadHash.Parse(vote.GetProperty("uuid").GetString()!)] =
                        Address.Parse(vote.GetProperty("decrypted").GetString()!);
            // Nothing that is tried here is to be in the way of the next block.
            _node.Manager.RefusesSigned = NotSent;
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
            if (step.TryGetProperty("error", out var error) && !IsOfManagerOrPool(error.GetProperty("message").GetString()!))
            {
                var (code, message, _) = await _client.FailAsync(method, parameters);
                var want = (error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString());
                return want == (code, message) ? null : $"have {(code, message)}, want {want}";
            }
            if (method is "quorumExtension_activeExtensionContracts" or "quorumExtension_getExtensionStatus")
            {
                var have = await _client.CallAsync(method, parameters);
                return JsonElement.DeepEquals(step.GetProperty("result"), have) ? null : $"have {have}, want {step.GetProperty("result")}";
            }
            var sent = _node.Manager.Distributed.Count;
            _node.Manager.Stored.Clear();
            var isUuid = method == "quorumExtension_generateExtensionApprovalUuid";
            if (isUuid) await _client.CallAsync(method, parameters);
            else if ((await _client.FailAsync(method, parameters)).Message is var text && text != NotSent) return $"refused: {text}";
            var hasVote = isUuid || method == "quorumExtension_approveExtension";
            var voted = hasVote ? Sent(step, "/send")!.Value.GetProperty("to") : default;
            return CompareVote(voted, _node.Manager.Distributed.Skip(sent).FirstOrDefault().PrivateFor) ?? CompareStored(step);
        }

        public async ValueTask DisposeAsync()
        {
            await _client.DisposeAsync();
            _node.Dispose();
        }

        private static bool IsOfManagerOrPool(string text) =>
            text.Contains(" status: ", StringComparison.Ordinal) || text is "intrinsic gas too low" or "Gas price not 0";

        /// <summary>The recipients of the uuid.</summary>
        private static string? CompareVote(JsonElement want, IReadOnlyList<string>? to) => want.ValueKind == JsonValueKind.Undefined
            ? to is null ? null : "a vote was sent" : Compare(want, to ?? []);

        /// <summary>What is put to the management contract, and to whom; a uuid is another each time.</summary>
        private string? CompareStored(JsonElement step)
        {
            if (Sent(step, "/storeraw") is not { } stored) return null;
            if (_node.Manager.Stored is not [var have]) return "nothing was stored";
            var want = PayloadOf(stored.GetProperty("payload").GetString()!);
            var compared = step.GetProperty("method").GetString() == "quorumExtension_approveExtension" ? 100 : want.Length;
            if (want.Length != have.Length || !want.AsSpan(0, compared).SequenceEqual(have.AsSpan(0, compared)))
                return $"stored {Hex.ToHex(have)}, want {Hex.ToHex(want)}";
            return Sent(step, "/sendsignedtx") is { } signed ? Compare(signed.GetProperty("to"), _node.Manager.Asked) : null;
        }

        private static string? Compare(JsonElement want, IReadOnlyList<string> have)
        {
            var named = want.EnumerateArray().Select(k => k.GetString()!).ToList();
            return named.SequenceEqual(have) ? null : $"to {string.Join(',', have)}, want {string.Join(',', named)}";
        }

        private static byte[] PayloadOf(string base64)
        {
            if (!base64.StartsWith("{{", StringComparison.Ordinal)) return Convert.FromBase64String(base64);
            var at = base64.LastIndexOf("0x", StringComparison.Ordinal);
            return [.. ManagementCode, .. Hex.FromHex(base64[at..].TrimEnd('}'))];
        }

        /// <summary>The body of the actor's first call of a path; null when the step does not show it.</summary>
        private static JsonElement? Sent(JsonElement step, string path)
        {
            if (!step.TryGetProperty("q2t", out var calls)) return null;
            foreach (var call in calls.EnumerateArray())
            {
                if (call.GetProperty("node").GetString() != step.GetProperty("actor").GetString()) continue;
                if (call.GetProperty("request").GetProperty("line").GetString()!.Split(' ') is ["POST", var found, ..] && found == path)
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
                if (holders.EnumerateArray().All(p => p.GetString() != name)) continue;
                var hash = PayloadHash.Parse(item.Name);
                _node.Manager.Answers[hash] = Answer(name, hash, known);
                if (known.TryGetProperty("sender", out var sender) && sender.GetString() == name
                    && known.TryGetProperty("participants", out var keys))
                    _node.Manager.Participants[hash] = [.. keys.EnumerateArray().Select(k => k.GetString()!)];
            }
        }

        private static PayloadAnswer Answer(string name, in PayloadHash hash, JsonElement known)
        {
            var answer = PayloadAnswer.Here(hash, Payload(known));
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

        private static byte[] Payload(JsonElement known)
        {
            if (known.TryGetProperty("payloadText", out var text)) return Encoding.UTF8.GetBytes(text.GetString()!);
            var hex = known.GetProperty("payload").GetString()!;
            return hex.StartsWith("0x{{", StringComparison.Ordinal)
                ? [.. ManagementCode, .. Hex.FromHex("0x" + hex[(hex.IndexOf("}}", StringComparison.Ordinal) + 2)..])] : Hex.FromHex(hex);
        }
    }
}
