using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Keys.Tests.Vault;

/// <summary>
/// The <c>keys</c> sections that a real Tessera 21.1.1 was started with, and the answers that its vault gave: what it started with starts
/// here with the same key, what it refused is refused, but for the differences that stand here with their reason.
/// </summary>
public sealed class TesseraVaultConfigTests
{
    /// <summary>Id → what ours does instead, and why.</summary>
    private static readonly Dictionary<string, string> Different = new()
    {
        ["start-short"] = "refused: Tessera does not look at a key's length until it is used",
        ["start-number"] = "refused: Tessera takes a number's digits as base64 of a key",
        ["start-sealed"] = "waits",
        ["start-429"] = "waits",
        ["start-500"] = "waits",
        ["start-down"] = "waits",
        ["start-approle-used-up"] = "refused",
    };

    /// <summary>
    /// Not played: TLS, which needs the recording's authority; the redirect, whose target is a fixed port; and two sections that start
    /// here (no approlePath, and the name of the type as Tessera's documents print it), to which no vault has answered.
    /// </summary>
    private static bool IsElsewhere(string id) =>
        id.Contains("https", StringComparison.Ordinal) || id is "start-307" or "start-approle-no-path" or "start-config-type-name";

    [VectorFact]
    public async Task Each_recorded_section_ends_as_with_Tessera_or_as_the_table_says()
    {
        var played = 0;
        foreach (var start in (JsonArray)JsonNode.Parse(Vectors.ReadText("tessera/vault-clients.json"))!["hashicorp"]!)
        {
            var id = (string)start!["id"]!;
            if (start["keysConfig"] is not JsonObject keys || IsElsewhere(id))
                continue;
            var calls = (JsonArray)start["calls"]!;
            await using var vault = await AnswersAsync(calls);
            var environment = start["env"]!.AsObject().ToDictionary(v => v.Key, v => (string)v.Value!);
            using var directory = new TempDirectory();
            var text = keys.ToJsonString();
            for (var port = 24501; port <= 24510; port++)
                text = text.Replace($"http://127.0.0.1:{port}", vault.Urls.First(), StringComparison.Ordinal);
            text = text.Replace("http://127.0.0.1:24599", "http://127.0.0.1:1", StringComparison.Ordinal);
            var config = directory.Write("config.json", $$"""{"keys":{{text}}}""");
            using var provider = new TesseraKeyProvider(config, TimeProvider.System, environment.GetValueOrDefault);

            var ending = await EndingAsync(provider, calls);
            var expected = Different.TryGetValue(id, out var other) ? other.Split(':')[0]
                : (string)start["result"]! == "started" ? "started" : "refused";
            Assert.Equal((id, expected), (id, ending));
            played++;
        }

        Assert.InRange(played, 30, 60);
    }

    private static async Task<string> EndingAsync(TesseraKeyProvider provider, JsonArray calls)
    {
        try
        {
            var ring = await provider.LoadAsync(default);
            var recorded = calls.Select(c => (string?)c!["answer"]?["data"]?["data"]?["publicKey"]).OfType<string>();
            Assert.Equal(recorded.FirstOrDefault()?.Trim() ?? ring.Default.PublicKey.ToString(), ring.Default.PublicKey.ToString());
            return "started";
        }
        catch (KeyUnavailableException)
        {
            return "waits";
        }
        catch (KeyException e)
        {
            Assert.DoesNotContain("s.FAKE", e.ToString(), StringComparison.Ordinal);
            return "refused";
        }
    }

    /// <summary>
    /// The recorded answers by method and path; what Tessera did not ask for its policy does not allow, and no older version is there.
    /// </summary>
    private static async Task<WebApplication> AnswersAsync(JsonArray calls)
    {
        var answers = new Dictionary<string, JsonNode>();
        foreach (var call in calls.Where(c => c!["status"] is not null))
            answers.TryAdd(Uri.UnescapeDataString($"{call!["method"]} {call["path"]}"), call);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            var path = context.Request.Path + context.Request.QueryString.Value;
            if (!answers.TryGetValue($"{context.Request.Method} {path}", out var call))
            {
                var isOlder = path.Contains("?version=", StringComparison.Ordinal);
                context.Response.StatusCode = isOlder ? 404 : 403;
                await context.Response.WriteAsync(isOlder ? """{"errors":[]}"""
                    : """{"errors":["1 error occurred:\n\t* permission denied\n\n"]}""");
                return;
            }

            context.Response.StatusCode = (int)call["status"]!;
            await context.Response.WriteAsync(call["answer"] is JsonValue text && text.TryGetValue<string>(out var plain)
                ? plain : call["answer"]?.ToJsonString() ?? "");
        });
        await app.StartAsync();
        return app;
    }
}
