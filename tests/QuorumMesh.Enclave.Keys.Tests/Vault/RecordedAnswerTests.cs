using System.Text;
using System.Text.Json.Nodes;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys.Vault;
using QuorumMesh.Tests;

namespace QuorumMesh.Enclave.Keys.Tests.Vault;

/// <summary>What a client makes of each answer that a real Vault 1.8 and a real OpenBao 2.6 gave.</summary>
public sealed class RecordedAnswerTests
{
    /// <summary>File, id, verdict at Vault 1.8 and at OpenBao 2.6.</summary>
    private static readonly (string File, string Id, string Vault, string OpenBao)[] Verdicts =
    [
        ("kv2", "read-latest", "Done", "Done"),
        ("kv2", "read-missing-404", "Missing", "Missing"),
        ("kv2", "read-deleted-404", "Missing", "Missing"),
        ("kv2", "read-destroyed-404", "Missing", "Missing"),
        ("kv2", "read-version-not-a-number-500", "Refused", "Refused"),
        ("kv2", "write-cas-mismatch-400", "Refused", "Refused"),
        ("errors", "wrong-token-403", "TokenRefused", "TokenRefused"),
        ("errors", "no-token-400", "TokenRefused", "TokenRefused"),
        ("errors", "expired-token-403", "TokenRefused", "TokenRefused"),
        ("errors", "policy-missing-path-403", "Forbidden", "Forbidden"),
        ("errors", "policy-missing-capability-403", "Forbidden", "Forbidden"),
        ("errors", "no-mount-with-policy-404", "Missing", "Missing"),
        ("errors", "double-slash-301", "Refused", "Passing"),
        ("token", "explicit-max-over-403", "TokenRefused", "TokenRefused"),
        ("token", "num-uses-3-403", "TokenRefused", "TokenRefused"),
        ("token", "batch-renew-400", "Refused", "Refused"),
        ("approle", "login-wrong-secret-id-400", "Refused", "Refused"),
        ("approle", "login-missing-role-id-400", "Refused", "Refused"),
        ("transit", "decrypt-tampered-500", "DoesNotOpen", "DoesNotOpen"),
        ("transit", "decrypt-other-key-500", "DoesNotOpen", "DoesNotOpen"),
        ("transit", "decrypt-future-version-400", "Passing", "Passing"),
        ("transit", "decrypt-v1-refused-400", "Refused", "Refused"),
        ("transit", "decrypt-missing-key-400", "Refused", "Refused"),
        ("wrapping", "unwrap-again-400", "Refused", "Refused"),
        ("wrapping", "wrapping-token-as-token-403", "Forbidden", "Forbidden"),
        ("standby", "standby-no-forwarding-307", "Passing", "Done"),
        ("standby", "stepping-down-read-n1-500", "Passing", "Done"),
        ("standby", "no-quorum-login-307", "Passing", "Refused"),
    ];

    [VectorFact]
    public void Each_answer_that_a_client_must_tell_apart_is_told_apart()
    {
        foreach (var (file, id, vault, openBao) in Verdicts)
        {
            Assert.Equal((file, id, vault), (file, id, Judge("vault", file, id)));
            Assert.Equal((file, id, openBao), (file, id, Judge("openbao", file, id)));
        }
    }

    [VectorTheory]
    [InlineData("vault", 650)]
    [InlineData("openbao", 1000)]
    public void No_answer_stops_the_reader_and_no_error_repeats_a_secret_that_was_sent(string folder, int atLeast)
    {
        var read = 0;
        foreach (var file in Directory.EnumerateFiles(Vectors.Path(folder), "*.json"))
            foreach (var exchange in Exchanges(JsonNode.Parse(File.ReadAllText(file))!))
            {
                if (exchange["response"] is not JsonObject response || response["status"] is null)
                    continue;
                using var answer = Answer(response);
                var status = (int)response["status"]!;
                Assert.Equal(status is >= 200 and < 300, answer.Verdict == VaultVerdict.Done);
                // Sealed, busy and away pass by themselves; only wrong requests that the server calls 500 do not.
                if (status is 429 or 503 or 307 or 472 or 473)
                    Assert.Equal(VaultVerdict.Passing, answer.Verdict);
                foreach (var secret in Sent(exchange))
                    Assert.DoesNotContain(secret, answer.Errors, StringComparison.Ordinal);
                read++;
            }

        Assert.True(read >= atLeast, $"{read} answers read");
    }

    private static IEnumerable<string> Sent(JsonNode exchange)
    {
        if ((string?)exchange["request"]?["headers"]?["X-Vault-Token"] is { Length: > 12 } token)
            yield return token;
        foreach (var name in (string[])["secret_id", "jwt", "plaintext", "token"])
            if (exchange["request"]?["body"] is JsonObject body && body[name] is JsonValue value
                && value.TryGetValue<string>(out var text) && text.Length > 12)
                yield return text;
    }

    private static string Judge(string folder, string file, string id)
    {
        var exchange = Exchanges(JsonNode.Parse(Vectors.ReadText($"{folder}/{file}.json"))!).Single(e => (string?)e["id"] == id);
        using var answer = Answer((JsonObject)exchange["response"]!);
        return answer.Verdict.ToString();
    }

    private static VaultAnswer Answer(JsonObject response)
    {
        var text = response["body"]?.ToJsonString() ?? (string?)response["body_text"] ?? "";
        return new VaultAnswer((int)response["status"]!, SecretBuffer.CopyOf(Encoding.UTF8.GetBytes(text)));
    }

    private static IEnumerable<JsonNode> Exchanges(JsonNode file) =>
        ((file["exchanges"] as JsonArray) ?? [])
            .Concat(((file["flows"] as JsonArray) ?? []).SelectMany(flow => (JsonArray)flow!["exchanges"]!)).OfType<JsonNode>();
}
