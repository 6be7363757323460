using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys.Vault;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Vaults;

namespace QuorumMesh.Enclave.Keys.Tests.Vault;

/// <summary>
/// The provider with an operator at a vault, over HTTP alone: both dialects of the stand-in, and a real server where
/// QUORUMMESH_VAULT_ADDR and QUORUMMESH_VAULT_TOKEN (with all rights, of a server for tests) name one.
/// </summary>
public sealed class VaultContractTests : IAsyncLifetime, IDisposable
{
    private const string Policy = """
        path "qmesh-test-kv/*" { capabilities = ["read", "create", "update"] }
        path "transit/decrypt/qmesh-test" { capabilities = ["update"] }
        path "transit/encrypt/qmesh-test" { capabilities = ["update"] }
        """;

    private readonly TempDirectory _directory = new();
    private readonly HttpClient _http = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly string _secret = "tm-" + Guid.NewGuid().ToString("N");
    private VaultStandIn? _standIn;
    private string _url = "";

    public static TheoryData<string> Servers => Environment.GetEnvironmentVariable("QUORUMMESH_VAULT_ADDR") is { Length: > 0 } real
        ? ["Vault", "OpenBao", real]
        : ["Vault", "OpenBao"];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_standIn is not null)
            await _standIn.DisposeAsync();
    }

    public void Dispose()
    {
        _http.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task An_operator_rotates_rewraps_and_destroys_and_the_enclave_follows(string server)
    {
        await UseAsync(server);
        await WriteAsync(Samples.SenderPublic, await EncryptAsync(Samples.SenderPrivate));
        using var provider = Provider(""" "transitKey":"qmesh-test","refresh":"1s" """);
        var ring = await provider.LoadAsync(default);
        Assert.Equal((Samples.Sender, "1"), (ring.Default.PublicKey, ring.Default.Version));

        // The wrapping key is rotated and the same enclave key wrapped anew.
        await PostAsync("transit/keys/qmesh-test/rotate", []);
        await WriteAsync(Samples.SenderPublic, await EncryptAsync(Samples.SenderPrivate));
        ring = await ChangeAsync(provider);
        Assert.Equal("2", Assert.Single(ring.Keys).Version);

        await WriteAsync(Samples.RecipientPublic, await EncryptAsync(Samples.RecipientPrivate));
        ring = await ChangeAsync(provider);
        Assert.Equal(
            [("3", EnclaveKeyState.Active), ("2", EnclaveKeyState.Retired)], ring.Keys.Select(k => (k.Version, k.State)).ToArray());

        await PostAsync($"qmesh-test-kv/destroy/{_secret}", new JsonObject { ["versions"] = new JsonArray(1, 2) });
        Assert.Equal(Samples.Recipient, Assert.Single((await ChangeAsync(provider)).Keys).PublicKey);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task The_tool_writes_the_next_version_wrapped_and_never_over_anothers(string server)
    {
        await UseAsync(server);
        const string Properties = """ "transitKey":"qmesh-test","refresh":"1s" """;
        using var provider = Provider(Properties);
        var config = _directory.File("e.json");
        Func<string, string?> environment = _environment.GetValueOrDefault;
        var first = await KeyRotation.RotateAsync(config, null, environment, false, default);
        Assert.Equal(first, (await provider.LoadAsync(default)).Default.PublicKey);
        var second = await KeyRotation.RotateAsync(config, first, environment, false, default);
        Assert.Equal([second, first], (await ChangeAsync(provider)).Keys.Select(k => k.PublicKey));
        Assert.Contains("no active key",
            (await Assert.ThrowsAsync<KeyException>(() => KeyRotation.RotateAsync(config, first, environment, false, default))).Message);

        using var document = JsonDocument.Parse(File.ReadAllText(config));
        var settings = KeyVaultConfigs.ReadHashicorp(document.RootElement.GetProperty("keys"), environment)!;
        using var session = new VaultSession(settings, new SecretReader(environment), TimeProvider.System);
        var reference = new VaultKeyReference("key", "qmesh-test-kv", _secret, "publicKey", "privateKey", 0, Retired: false);
        Assert.Contains("meanwhile", (await Assert.ThrowsAsync<KeyException>(
            () => VaultKeyWriter.WriteNextAsync(session, reference, 1, default))).Message);

        await PostAsync($"qmesh-test-kv/data/{_secret}", new JsonObject { ["data"] = new JsonObject { ["more"] = "x" } });
        Assert.Contains("'more'",
            (await Assert.ThrowsAsync<KeyException>(() => KeyRotation.RotateAsync(config, null, environment, false, default))).Message);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_write_that_would_prune_a_version_that_opens_is_refused_unless_the_loss_is_accepted(string server)
    {
        await UseAsync(server);
        using var provider = Provider(""" "refresh":"1s" """);
        var config = _directory.File("e.json");
        Func<string, string?> environment = _environment.GetValueOrDefault;
        var keys = new List<PublicKey>();
        for (var i = 0; i < 10; i++)
            keys.Insert(0, await KeyRotation.RotateAsync(config, null, environment, false, default));
        var refused = (await Assert.ThrowsAsync<KeyException>(
            () => KeyRotation.RotateAsync(config, null, environment, false, default))).Message;
        Assert.Contains($"would prune version 1 of qmesh-test-kv/{_secret}", refused);
        Assert.Contains("-max-versions=20", refused);
        Assert.Equal(keys, (await provider.LoadAsync(default)).Keys.Select(k => k.PublicKey));

        // The operator raises it as told, and the eleventh version costs none.
        await PostAsync($"qmesh-test-kv/metadata/{_secret}", new JsonObject { ["max_versions"] = 11 });
        keys.Insert(0, await KeyRotation.RotateAsync(config, null, environment, false, default));
        Assert.Equal(keys, (await provider.LoadAsync(default)).Keys.Select(k => k.PublicKey));
        Assert.Contains("version 1 of", (await Assert.ThrowsAsync<KeyException>(
            () => KeyRotation.RotateAsync(config, null, environment, false, default))).Message);
        keys.Insert(0, await KeyRotation.RotateAsync(config, null, environment, acceptLoss: true, default));
        Assert.Equal(keys.Take(11), (await provider.LoadAsync(default)).Keys.Select(k => k.PublicKey));

        // A version that is destroyed is no loss.
        await PostAsync($"qmesh-test-kv/destroy/{_secret}", new JsonObject { ["versions"] = new JsonArray(2) });
        await KeyRotation.RotateAsync(config, null, environment, false, default);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_wrong_secret_id_a_missing_secret_and_a_spent_wrapping_token_are_told(string server)
    {
        await UseAsync(server);
        await WriteAsync(Samples.SenderPublic, Samples.SenderPrivate);
        using var http = new HttpRequestMessage(HttpMethod.Post, $"{_url}/v1/auth/approle/role/qmesh-test/secret-id");
        http.Headers.Add("X-Vault-Token", Token);
        http.Headers.Add("X-Vault-Wrap-TTL", "120s");
        var wrapped = JsonNode.Parse(await (await _http.SendAsync(http)).Content.ReadAsStringAsync())!;
        var file = _directory.Write("wrapped", (string)wrapped["wrap_info"]!["token"]!);
        var properties = $$""" "auth":"approle","wrapped":true,"secretIdFile":"{{file}}" """;
        using (var provider = Provider(properties))
            Assert.Equal(Samples.Sender, (await provider.LoadAsync(default)).Default.PublicKey);
        using (var provider = Provider(properties))
            Assert.Contains("somebody else has", (await Assert.ThrowsAsync<KeyException>(() => provider.LoadAsync(default))).Message);

        using (var provider = Provider(""" "refresh":"1s" """, "absent-" + _secret))
            Assert.Contains("No data found", (await Assert.ThrowsAsync<KeyException>(() => provider.LoadAsync(default))).Message);

        _environment["HASHICORP_SECRET_ID"] = Guid.NewGuid().ToString();
        using (var provider = Provider(""" "refresh":"1s" """))
        {
            var error = await Assert.ThrowsAsync<KeyException>(() => provider.LoadAsync(default));
            Assert.Contains("log-in", error.Message);
            Assert.DoesNotContain(_environment["HASHICORP_SECRET_ID"], error.ToString());
        }
    }

    private string Token => _standIn is not null ? VaultModel.RootToken : Environment.GetEnvironmentVariable("QUORUMMESH_VAULT_TOKEN")!;

    private async Task UseAsync(string server)
    {
        if (server is "Vault" or "OpenBao")
            _standIn = await VaultStandIn.StartAsync(new VaultModel(TimeProvider.System, server == "OpenBao"));
        _url = _standIn?.Url ?? server;
        await PostAsync("sys/mounts/qmesh-test-kv", new JsonObject { ["type"] = "kv", ["options"] = new JsonObject { ["version"] = "2" } });
        await PostAsync("sys/mounts/transit", new JsonObject { ["type"] = "transit" });
        await PostAsync("sys/auth/approle", new JsonObject { ["type"] = "approle" });
        await PostAsync("transit/keys/qmesh-test", []);
        await PostAsync("sys/policies/acl/qmesh-test", new JsonObject { ["policy"] = Policy });
        await PostAsync("auth/approle/role/qmesh-test", new JsonObject { ["token_policies"] = new JsonArray("qmesh-test") });
        var secretId = await PostAsync("auth/approle/role/qmesh-test/secret-id", []);
        _environment["HASHICORP_SECRET_ID"] = (string)secretId!["data"]!["secret_id"]!;
        using var question = new HttpRequestMessage(HttpMethod.Get, $"{_url}/v1/auth/approle/role/qmesh-test/role-id");
        question.Headers.Add("X-Vault-Token", Token);
        var role = JsonNode.Parse(await (await _http.SendAsync(question)).Content.ReadAsStringAsync());
        _environment["HASHICORP_ROLE_ID"] = (string)role!["data"]!["role_id"]!;
    }

    /// <summary>What is there already is refused, and need not be made.</summary>
    private async Task<JsonNode?> PostAsync(string path, JsonObject body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_url}/v1/{path}") { Content = JsonContent.Create(body) };
        request.Headers.Add("X-Vault-Token", Token);
        var text = await (await _http.SendAsync(request)).Content.ReadAsStringAsync();
        return text.Length > 0 ? JsonNode.Parse(text) : null;
    }

    private Task WriteAsync(string publicKey, string privateKey) => PostAsync($"qmesh-test-kv/data/{_secret}", new JsonObject
    {
        ["data"] = new JsonObject { ["publicKey"] = publicKey, ["privateKey"] = privateKey },
    });

    private async Task<string> EncryptAsync(string privateKey) =>
        (string)(await PostAsync("transit/encrypt/qmesh-test", new JsonObject { ["plaintext"] = privateKey }))!["data"]!["ciphertext"]!;

    private static async Task<KeyRing> ChangeAsync(TesseraKeyProvider provider)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (await provider.RefreshAsync(limit.Token) is { } ring)
                return ring;
            await Task.Delay(100, limit.Token);
        }
    }

    private TesseraKeyProvider Provider(string properties, string? name = null) => new(_directory.Write("e.json", $$$"""
        {"keys":{"keyVaultConfigs":[{"keyVaultType":"HASHICORP",
          "properties":{"url":"{{{_url}}}","approlePath":"approle",{{{properties}}}}}],
         "keyData":[{"hashicorpVaultPublicKeyId":"publicKey","hashicorpVaultPrivateKeyId":"privateKey",
          "hashicorpVaultSecretEngineName":"qmesh-test-kv","hashicorpVaultSecretName":"{{{name ?? _secret}}}"}]}}
        """), TimeProvider.System, _environment.GetValueOrDefault);
}
