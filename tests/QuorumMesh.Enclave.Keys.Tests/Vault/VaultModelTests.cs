using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared.Vaults;

namespace QuorumMesh.Enclave.Keys.Tests.Vault;

/// <summary>The model that the provider is tested with answers recorded sessions as the servers did.</summary>
public sealed class VaultModelTests
{
    /// <summary>What the model has no part in: other engines' surface, listing, settings of mounts.</summary>
    private static readonly string[] NotModelled =
    [
        "mount", "mount-again-400", "mount-config", "list", "list-get", "list-missing-404", "list-on-data-path-405", "v1-style-path-404",
        "v1-style-write-404", "data-only-path-404", "write-v2-put", "health", "lookup-self", "lookup-near-end",
    ];

    /// <summary>OpenBao answers these with all that it knows of the key, which no client here reads.</summary>
    private static readonly string[] StatusAlone = ["op-rotate", "op-raise-min", "op-lower-min", "op-raise-min-again"];

    /// <summary>Members whose value is compared, beside the names of all others.</summary>
    private static readonly string[] Compared =
    [
        "version", "destroyed", "lease_duration", "renewable", "current_version", "oldest_version", "key_version", "plaintext", "errors",
        "warnings", "publicKey", "cas_required", "token_policies",
    ];

    [VectorTheory]
    [InlineData("vault")]
    [InlineData("openbao")]
    public void Key_value_versions_are_kept_deleted_destroyed_and_pruned_as_recorded(string folder)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var model = new VaultModel(clock, folder == "openbao");
        var replay = new Replay(model, clock);
        foreach (var exchange in (JsonArray)JsonNode.Parse(Vectors.ReadText($"{folder}/kv2.json"))!["exchanges"]!)
        {
            // Two writes that show nothing were left out of the recording.
            if ((string?)exchange!["id"] == "read-version-pruned-404")
                for (var i = 0; i < 3; i++)
                    model.Write("enclave-kv/data/tm1/x25519", new JsonObject { ["n"] = i });
            if ((string?)exchange["id"] == "write-v2-put")
                model.Write("enclave-kv/data/tm1/x25519", new JsonObject
                {
                    ["publicKey"] = "cHVibGljLWtleS1vZi12ZXJzaW9uLTItb25seS1mYWtl",
                    ["wrapped"] = "x",
                    ["created"] = "x",
                });
            replay.Play(exchange);
        }

        Assert.InRange(replay.Played, 45, 60);
    }

    [VectorTheory]
    [InlineData("vault", 0)]
    [InlineData("vault", 1)]
    [InlineData("vault", 2)]
    [InlineData("openbao", 0)]
    [InlineData("openbao", 1)]
    [InlineData("openbao", 2)]
    public void Sessions_of_services_and_operators_go_as_recorded(string folder, int flow)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var model = new VaultModel(clock, folder == "openbao") { JwtRole = ("enclave", 6, 60) };
        var replay = new Replay(model, clock);
        var flows = (JsonArray)JsonNode.Parse(Vectors.ReadText($"{folder}/flows.json"))!["flows"]!;
        var exchanges = (JsonArray)flows[flow]!["exchanges"]!;
        // What the first session's operator had written is there in the others.
        if (flow > 0)
            foreach (var exchange in ((JsonArray)flows[0]!["exchanges"]!).Where(e => (string?)e!["id"] is "op-encrypt" or "op-write"))
                replay.Play(exchange!);
        foreach (var login in exchanges.Where(e => (int?)e!["response"]?["status"] == 200 && Jwt(e) is not null))
            model.GoodJwts.Add(Jwt(login)!);
        foreach (var exchange in exchanges)
        {
            if (exchange!["event"] is not null && flow == 1)
                model.GoodJwts.Remove(Jwt(exchanges.First(e => Jwt(e) is not null))!);
            replay.Play(exchange);
        }

        Assert.InRange(replay.Played, 8, 25);
    }

    private static string? Jwt(JsonNode? exchange) => exchange?["request"]?["body"] is JsonObject body ? (string?)body["jwt"] : null;

    /// <summary>Plays requests with what our answers gave in the place of the recorded tokens, ids and ciphertexts.</summary>
    private sealed class Replay(VaultModel model, FakeTimeProvider clock)
    {
        private readonly Dictionary<string, string> _ours = [];
        private readonly DateTimeOffset _start = clock.GetUtcNow();

        public int Played { get; private set; }

        public void Play(JsonNode exchange)
        {
            if (exchange["request"] is not JsonObject recorded || NotModelled.Contains((string?)exchange["id"]))
                return;
            if (exchange["t"] is { } t && _start.AddSeconds((double)t) is var at && at > clock.GetUtcNow())
                clock.SetUtcNow(at);
            var request = JsonNode.Parse(Swap(recorded.ToJsonString()))!;
            var token = (string?)request["headers"]?["X-Vault-Token"];
            if (token?.Contains("root", StringComparison.Ordinal) == true)
                token = VaultModel.RootToken;
            // Of a log-in before the session began.
            else if (token is not null && !_ours.ContainsValue(token))
                token = VaultModel.RootToken;
            var path = Uri.UnescapeDataString((string)request["path"]!)["/v1/".Length..].Split('?');
            var ours = model.Answer(
                (string)request["method"]!, path[0], path.ElementAtOrDefault(1), token, null, request["body"]?.DeepClone());
            var response = (JsonObject)exchange["response"]!;
            var what = $"{exchange["id"]}: {ours.Status} {ours.Body?.ToJsonString()}";
            Assert.True((int)response["status"]! == ours.Status, what);
            if (response["body"] is JsonObject body && ours.Body is { } answer && !StatusAlone.Contains((string?)exchange["id"]))
            {
                Assert.Equal(Describe(body["errors"], "errors"), Describe(answer["errors"], "errors"));
                foreach (var member in (string[])["data", "auth", "warnings"])
                    Assert.Equal((exchange["id"]!.ToString(), Describe(body[member], member)),
                        (exchange["id"]!.ToString(), Describe(answer[member], member)));
                Learn(body, answer);
            }

            Played++;
        }

        private string Swap(string text) => _ours.Aggregate(text, (t, pair) => t.Replace(pair.Key, pair.Value, StringComparison.Ordinal));

        /// <summary>JSON escapes + in its texts, so both forms are looked for.</summary>
        private void Learn(JsonNode? theirs, JsonNode? ours)
        {
            if (theirs is not JsonObject known || ours is not JsonObject answered)
                return;
            foreach (var (name, value) in known)
                if (name is "client_token" or "secret_id" or "role_id" or "ciphertext" && answered[name] is { } own)
                    _ours[value!.ToJsonString().Trim('"')] = own.ToJsonString().Trim('"');
                else
                    Learn(value, answered[name]);
        }

        private static string Describe(JsonNode? node, string name) => node switch
        {
            null => "null",
            _ when Compared.Contains(name) => node.ToJsonString(),
            // Of the role: what the method knows of who logged in.
            JsonObject members when name == "metadata" && (members.ContainsKey("role") || members.ContainsKey("role_name")) => "of a role",
            JsonObject members => $"{{{string.Join(',', members.OrderBy(m => m.Key, StringComparer.Ordinal)
                .Select(m => $"{m.Key}:{Describe(m.Value, m.Key)}"))}}}",
            _ when name == "deletion_time" => node.ToJsonString() == "\"\"" ? "no" : "yes",
            _ => node.GetValueKind().ToString(),
        };
    }
}
