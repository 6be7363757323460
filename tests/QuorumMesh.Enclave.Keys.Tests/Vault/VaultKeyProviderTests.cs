using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Vaults;

namespace QuorumMesh.Enclave.Keys.Tests.Vault;

/// <summary>Keys from a vault, against the model, whose answers the recordings hold.</summary>
public sealed class VaultKeyProviderTests : IAsyncLifetime, IDisposable
{
    private const string Secret = "kv/data/team/tm1";
    private const string Metadata = "kv/metadata/team/tm1";

    private readonly TempDirectory _directory = new();
    private readonly ShiftedTime _time = new();
    private readonly Dictionary<string, string> _environment = new() { ["HASHICORP_TOKEN"] = VaultModel.RootToken };
    private readonly List<TesseraKeyProvider> _providers = [];
    private VaultStandIn _vault = null!;

    private VaultModel Model => _vault.Model;

    public async Task InitializeAsync()
    {
        _vault = await VaultStandIn.StartAsync(new VaultModel(_time, openBao: false));
        Model.Write(Secret, Pair(Samples.SenderPublic, Samples.SenderPrivate));
    }

    public async Task DisposeAsync()
    {
        _providers.ForEach(p => p.Dispose());
        await _vault.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_latest_version_seals_and_those_before_it_open(bool metadataAllowed)
    {
        Role();
        if (!metadataAllowed)
            Model.Forbidden.Add("kv/metadata");
        var provider = Provider();
        Assert.Equal([("kv/team/tm1", "1", EnclaveKeyState.Active)], Describe(await provider.LoadAsync(default)));

        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var ring = await RefreshAsync(provider);
        Assert.Equal([("kv/team/tm1", "2", EnclaveKeyState.Active), ("kv/team/tm1", "1", EnclaveKeyState.Retired)], Describe(ring!));
        Assert.Equal(Samples.Recipient, ring!.Default.PublicKey);
        Assert.Null(await RefreshAsync(provider));

        // A start now loads the same.
        Assert.Equal(Describe(ring), Describe(await Provider().LoadAsync(default)));

        // What an operator takes away is gone at the next look.
        Model.Answer("POST", "kv/destroy/team/tm1", null, VaultModel.RootToken, null, new JsonObject { ["versions"] = new JsonArray(1) });
        Assert.Equal([("kv/team/tm1", "2", EnclaveKeyState.Active)], Describe((await RefreshAsync(provider))!));
    }

    [Fact]
    public async Task Private_keys_cross_the_network_when_something_changed_and_pairs_that_stay_are_the_same_memory()
    {
        var provider = Provider();
        var first = await provider.LoadAsync(default);
        var reads = Model.Count(Secret);
        for (var i = 0; i < 5; i++)
            Assert.Null(await RefreshAsync(provider));
        Assert.Equal(reads, Model.Count(Secret));
        Assert.Equal(6, Model.Count(Metadata));

        // Written anew with the same key, as after wrapping it otherwise: one key still, under its newest version.
        Model.Write(Secret, Pair(Samples.SenderPublic, Samples.SenderPrivate));
        Assert.Equal([("kv/team/tm1", "2", EnclaveKeyState.Active)], Describe((await RefreshAsync(provider))!));
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var third = (await RefreshAsync(provider))!;
        Assert.Equal(2, third.Keys.Count);
        Assert.DoesNotContain(first.Keys[0], third.Keys);
    }

    [Fact]
    public async Task A_pinned_version_stays_and_one_that_is_named_retired_only_opens()
    {
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var ring = await Provider(entries: [Entry("team/tm1", ""","hashicorpVaultSecretVersion":2"""),
            Entry("team/tm1", ""","hashicorpVaultSecretVersion":1,"retired":true""")]).LoadAsync(default);
        Assert.Equal([("kv/team/tm1", "2", EnclaveKeyState.Active), ("kv/team/tm1", "1", EnclaveKeyState.Retired)], Describe(ring));
        var error = await Assert.ThrowsAsync<KeyException>(
            () => Provider(entries: [Entry("team/tm1", ""","retired":true""")]).LoadAsync(default));
        Assert.Contains("no active key", error.Message);
    }

    [Fact]
    public async Task Files_and_a_vault_give_keys_to_one_enclave()
    {
        var inline = $$"""{"privateKey":"{{Samples.RecipientPrivate}}","publicKey":"{{Samples.RecipientPublic}}"}""";
        var ring = await Provider(entries: [inline, Entry("team/tm1")]).LoadAsync(default);
        Assert.Equal([Samples.Recipient, Samples.Sender], ring.Keys.Select(k => k.PublicKey));
    }

    [Fact]
    public async Task A_bad_new_version_leaves_the_old_key_in_use_and_is_told_until_it_is_mended()
    {
        var provider = Provider();
        await provider.LoadAsync(default);
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.SenderPrivate));
        for (var i = 0; i < 2; i++)
            Assert.Contains("does not belong", (await Assert.ThrowsAsync<KeyException>(() => RefreshAsync(provider))).Message);
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var ring = (await RefreshAsync(provider))!;
        Assert.Equal(["3", "1"], ring.Keys.Select(k => k.Version));
        Assert.Contains("version 2", Assert.Single(provider.Passed));
    }

    [Fact]
    public async Task A_vault_that_was_set_back_does_not_take_the_newer_key_away()
    {
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var provider = Provider();
        Assert.Equal("2", (await provider.LoadAsync(default)).Default.Version);
        Model.Answer("DELETE", Metadata, null, VaultModel.RootToken, null, null);
        Model.Write(Secret, Pair(Samples.SenderPublic, Samples.SenderPrivate));
        Assert.Contains("gone back from version 2 to 1", (await Assert.ThrowsAsync<KeyException>(() => RefreshAsync(provider))).Message);
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        Assert.Null(await RefreshAsync(provider));
        // A restart, or SIGHUP, takes what is there.
        Assert.Equal("2", (await provider.LoadAsync(default)).Default.Version);
    }

    [Fact]
    public async Task A_vault_that_was_set_back_confirms_the_keys_for_as_long_as_it_answers_and_is_followed_back_by_a_SIGHUP_alone()
    {
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var provider = Provider(""","maxAge":"2h" """);
        await provider.LoadAsync(default);
        Model.Answer("DELETE", Metadata, null, VaultModel.RootToken, null, null);
        Model.Write(Secret, Pair(Samples.SenderPublic, Samples.SenderPrivate));
        for (var i = 0; i < 3; i++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            Assert.Contains("gone back", (await Assert.ThrowsAsync<KeyException>(() => RefreshAsync(provider))).Message);
            Assert.True(provider.Freshness.UsableUntil > _time.GetUtcNow() + TimeSpan.FromHours(1));
        }

        // A load that nobody asked for, as after the keys were given up, does not follow it either.
        Assert.Contains("gone back", (await Assert.ThrowsAsync<KeyException>(() => provider.LoadAsync(default))).Message);
        provider.NotifyChanged();
        Model.Sealed = true;
        await Assert.ThrowsAsync<KeyUnavailableException>(() => provider.LoadAsync(default));
        Model.Sealed = false;
        Assert.Equal("1", (await provider.LoadAsync(default)).Default.Version);
    }

    [Fact]
    public async Task A_write_that_was_taken_and_not_answered_is_known_as_ours_or_told_as_unknown()
    {
        var provider = Provider($$""","otherUrls":["{{_vault.Url}}"]""");
        Model.LostAnswers = 1;
        var key = await KeyRotation.RotateAsync(_directory.File("0.json"), null, _environment.GetValueOrDefault, false, default);
        var ring = await provider.LoadAsync(default);
        Assert.Equal((key, "2"), (ring.Default.PublicKey, ring.Default.Version));

        Provider();
        Model.LostAnswers = 1;
        var unknown = await Assert.ThrowsAsync<KeyUnavailableException>(
            () => KeyRotation.RotateAsync(_directory.File("1.json"), null, _environment.GetValueOrDefault, false, default));
        Assert.Contains("is not known", unknown.Message);
        Assert.Equal(3, (await provider.LoadAsync(default)).Keys.Count);
    }

    [Fact]
    public async Task A_vaults_active_key_is_rotated_before_it_is_revoked_and_nothing_is_written_where_that_cannot_be()
    {
        var provider = Provider();
        var config = _directory.File("0.json");
        var before = await File.ReadAllTextAsync(config);
        _environment["HASHICORP_TOKEN"] = "s.WRONGwrong0000000000000";
        await Assert.ThrowsAsync<KeyException>(
            () => KeyRotation.RevokeAsync(config, Samples.Sender, null, _environment.GetValueOrDefault, default));
        Assert.Equal(before, await File.ReadAllTextAsync(config));
        _environment["HASHICORP_TOKEN"] = VaultModel.RootToken;

        var next = await KeyRotation.RevokeAsync(config, Samples.Sender, null, _environment.GetValueOrDefault, default);
        var ring = await provider.LoadAsync(default);
        Assert.Equal([next, Samples.Sender], ring.Keys.Select(k => k.PublicKey));
        Assert.Equal([new RevokedKey(Samples.Sender, next)], ring.Revoked);
        // Said again: it is no more the key that seals.
        Assert.Equal(next, await KeyRotation.RevokeAsync(config, Samples.Sender, null, _environment.GetValueOrDefault, default));
        Assert.Equal(2, (await provider.LoadAsync(default)).Keys.Count);
    }

    [Fact]
    public async Task A_latest_version_that_cannot_be_used_is_an_answer_and_a_right_that_was_taken_away_is_none()
    {
        Role();
        var provider = Provider();
        await provider.LoadAsync(default);
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.SenderPrivate));
        var before = provider.Freshness.Contact;
        await Assert.ThrowsAsync<KeyException>(() => RefreshAsync(provider));
        Assert.True(provider.Freshness.Contact > before);
        Model.Forbidden.Add("kv/");
        before = provider.Freshness.Contact;
        await Assert.ThrowsAsync<KeyException>(() => RefreshAsync(provider));
        Assert.Equal(before, provider.Freshness.Contact);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Versions_before_those_that_olderVersions_allows_are_told(bool metadataAllowed)
    {
        Role();
        if (!metadataAllowed)
            Model.Forbidden.Add("kv/metadata");
        Model.Write(Secret, Pair(Samples.RecipientPublic, Samples.RecipientPrivate));
        var provider = Provider(""","olderVersions":0 """);
        Assert.Single((await provider.LoadAsync(default)).Keys);
        Assert.Contains("olderVersions", Assert.Single(provider.Passed));
        Assert.Equal(2, (await Provider().LoadAsync(default)).Keys.Count);
    }

    [Fact]
    public async Task A_log_in_is_renewed_at_two_thirds_of_its_life_and_made_anew_before_its_end()
    {
        Role(ttl: 60, maxTtl: 130);
        var provider = Provider();
        await provider.LoadAsync(default);
        Assert.Equal(1, Model.Count("auth/approle/login"));
        Assert.Equal(0, Model.Count("auth/token/renew-self"));
        for (var i = 0; i < 20; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(21));
            await provider.RefreshAsync(default);
        }

        // 420 s, a log-in lasts 130: three or four more, renewed in between, and no request was refused.
        Assert.InRange(Model.Count("auth/approle/login"), 4, 6);
        Assert.InRange(Model.Count("auth/token/renew-self"), 6, 20);
        Assert.True(provider.Freshness.Contact > _time.GetUtcNow() - TimeSpan.FromSeconds(70));
    }

    [Fact]
    public async Task A_token_that_was_revoked_is_replaced_by_one_log_in()
    {
        Role();
        var provider = Provider();
        await provider.LoadAsync(default);
        var token = Model.Requests[^1].Token!;
        Model.Answer("POST", "auth/token/revoke-self", null, token, null, null);
        Assert.Null(await RefreshAsync(provider));
        Assert.Equal(2, Model.Count("auth/approle/login"));
    }

    [Fact]
    public async Task A_refused_log_in_is_tried_twice_and_then_left_alone_lest_the_role_be_locked()
    {
        Role(uses: 1);
        var provider = Provider();
        await provider.LoadAsync(default);
        Model.Answer("POST", "auth/token/revoke-self", null, Model.Requests[^1].Token, null, null);
        for (var i = 0; i < 4; i++)
        {
            var error = await Assert.ThrowsAsync<KeyException>(() => RefreshAsync(provider));
            Assert.Contains("invalid secret id", error.Message);
            Assert.Contains("HASHICORP_SECRET_ID", error.Message);
            Assert.DoesNotContain(_environment["HASHICORP_SECRET_ID"], error.ToString());
        }

        Assert.Equal(3, Model.Count("auth/approle/login"));
    }

    [Fact]
    public async Task A_vault_that_is_sealed_away_or_busy_is_waited_for_and_its_keys_stay_usable_for_a_time()
    {
        Model.Sealed = true;
        Assert.Contains("sealed", (await Assert.ThrowsAsync<KeyUnavailableException>(() => Provider().LoadAsync(default))).Message);
        Model.Sealed = false;
        var provider = Provider(""","maxAge":"2h" """);
        await provider.LoadAsync(default);
        var contact = provider.Freshness.Contact;
        Model.Fault = (1000, 429, "request path \"kv/metadata/team/tm1\": rate limit quota exceeded");
        await Assert.ThrowsAsync<KeyUnavailableException>(() => RefreshAsync(provider));
        Model.Fault = (1000, 500, "local node not active but active cluster node not found");
        await Assert.ThrowsAsync<KeyUnavailableException>(() => RefreshAsync(provider));
        Assert.Equal(contact, provider.Freshness.Contact);
        Assert.Equal(contact + TimeSpan.FromHours(2), provider.Freshness.UsableUntil);
        // One bad moment is passed over within a look.
        Model.Fault = (1, 500, "local node not active but active cluster node not found");
        Assert.Null(await RefreshAsync(provider));
        Assert.True(provider.Freshness.Contact > contact);
    }

    [Fact]
    public async Task A_standby_is_followed_to_the_leader_and_a_dead_leader_is_waited_for()
    {
        await using var standby = await VaultStandIn.StartAsync(new VaultModel(_time, openBao: true) { RedirectTo = _vault.Url });
        Assert.Single((await Provider(url: standby.Url).LoadAsync(default)).Keys);
        standby.Model.RedirectTo = "http://127.0.0.1:1";
        await Assert.ThrowsAsync<KeyUnavailableException>(() => Provider(url: standby.Url).LoadAsync(default));
        // A second address takes over.
        Assert.Single((await Provider($$""","otherUrls":["{{_vault.Url}}"]""", url: standby.Url).LoadAsync(default)).Keys);
        // A token is not carried to another machine in plain text.
        standby.Model.RedirectTo = "http://192.0.2.1:8200";
        await Assert.ThrowsAsync<KeyUnavailableException>(() => Provider(url: standby.Url).LoadAsync(default));
    }

    [Fact]
    public async Task An_authority_that_another_one_stands_for_is_enough_to_trust_and_one_of_its_name_is_not()
    {
        using var root = new TestPki();
        using var issuing = new TestPki(root, "Test only issuing CA");
        using var alike = new TestPki(root, "Test only issuing CA");
        await using var vault = await VaultStandIn.StartAsync(Model, certificate: issuing.Issue("vault"));
        var trusted = issuing.WriteAuthority(_directory);
        Assert.Single((await Provider($$""","caFile":"{{trusted}}" """, url: vault.Url).LoadAsync(default)).Keys);
        foreach (var others in (string[])[alike.WriteAuthority(_directory, "alike.crt"), root.WriteAuthority(_directory, "root.crt")])
            await Assert.ThrowsAsync<KeyException>(() => Provider($$""","caFile":"{{others}}" """, url: vault.Url).LoadAsync(default));
    }

    [Fact]
    public async Task A_vaults_certificate_comes_from_the_named_authority_and_names_the_vault()
    {
        using var own = Certificate(IPAddress.Loopback);
        using var elsewhere = Certificate(IPAddress.Parse("192.0.2.1"));
        var trusted = _directory.Write("ca.pem", own.ExportCertificatePem() + "\n" + elsewhere.ExportCertificatePem());
        var others = _directory.Write("others.pem", elsewhere.ExportCertificatePem());
        await using var vault = await VaultStandIn.StartAsync(Model, certificate: own);
        Assert.StartsWith("https://", vault.Url, StringComparison.Ordinal);
        Assert.Single((await Provider($$""","caFile":"{{trusted}}" """, url: vault.Url).LoadAsync(default)).Keys);
        foreach (var more in (string[])["", $$""","caFile":"{{others}}" """])
        {
            var error = await Assert.ThrowsAsync<KeyException>(() => Provider(more, url: vault.Url).LoadAsync(default));
            Assert.Contains("caFile", error.Message);
        }

        await using var misnamed = await VaultStandIn.StartAsync(Model, certificate: elsewhere);
        var wrong = await Assert.ThrowsAsync<KeyException>(
            () => Provider($$""","caFile":"{{trusted}}" """, url: misnamed.Url).LoadAsync(default));
        Assert.Contains("no TLS", wrong.Message);
        // Nor is a plain port taken for one that speaks TLS.
        await Assert.ThrowsAsync<KeyException>(() => Provider(url: _vault.Url.Replace("http:", "https:")).LoadAsync(default));
        File.WriteAllBytes(_directory.File("trust.jks"), [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2]);
        var jks = await Assert.ThrowsAsync<KeyException>(
            () => Provider($$""","tlsTrustStorePath":"{{_directory.File("trust.jks")}}" """, url: vault.Url).LoadAsync(default));
        Assert.Contains("keytool", jks.Message);
    }

    [Fact]
    public async Task A_policy_that_lacks_a_right_is_told_apart_from_a_bad_token()
    {
        Role();
        Model.Forbidden.Add("kv/");
        var error = await Assert.ThrowsAsync<KeyException>(() => Provider().LoadAsync(default));
        Assert.Contains("policy", error.Message);
        Assert.Contains("kv/data/team/tm1", error.Message);
        Assert.Equal(1, Model.Count("auth/approle/login"));
        _environment.Clear();
        _environment["HASHICORP_TOKEN"] = "s.WRONGwrong0000000000000";
        error = await Assert.ThrowsAsync<KeyException>(() => Provider().LoadAsync(default));
        Assert.Contains("does not take the token in HASHICORP_TOKEN", error.Message);
        Assert.DoesNotContain("s.WRONG", error.ToString());
    }

    [Fact]
    public async Task A_wrapped_secret_id_is_opened_once_and_kept_for_later_log_ins()
    {
        Role(ttl: 60, maxTtl: 60);
        var file = _directory.Write("wrapped", Wrap("auth/approle/role/enclave/secret-id") + "\n");
        var provider = Provider($$""","auth":"approle","wrapped":true,"secretIdFile":"{{file}}" """);
        await provider.LoadAsync(default);
        _time.Advance(TimeSpan.FromSeconds(100));
        await provider.RefreshAsync(default);
        Assert.Equal(2, Model.Count("auth/approle/login"));
        Assert.Equal(1, Model.Count("sys/wrapping/unwrap"));

        var error = await Assert.ThrowsAsync<KeyException>(
            () => Provider($$""","auth":"approle","wrapped":true,"secretIdFile":"{{file}}" """).LoadAsync(default));
        Assert.Contains("somebody else has", error.Message);

        // What was in it is not lost while the vault cannot give the keys yet.
        File.WriteAllText(file, Wrap("auth/approle/role/enclave/secret-id"));
        Model.FaultAt = ("kv/", 503, "Vault is sealed");
        var waiting = Provider($$""","auth":"approle","wrapped":true,"secretIdFile":"{{file}}" """);
        await Assert.ThrowsAsync<KeyUnavailableException>(() => waiting.LoadAsync(default));
        Model.FaultAt = null;
        Assert.Single((await waiting.LoadAsync(default)).Keys);
        File.WriteAllText(file, Wrap("auth/approle/role/other-thing/role-id", "GET"));
        error = await Assert.ThrowsAsync<KeyException>(
            () => Provider($$""","auth":"approle","wrapped":true,"secretIdFile":"{{file}}" """).LoadAsync(default));
        Assert.Contains("in the place of ours", error.Message);
    }

    [Theory]
    [InlineData("kubernetes")]
    [InlineData("jwt")]
    public async Task A_service_account_logs_in_with_the_token_that_its_file_has_now(string auth)
    {
        Model.GoodJwts.Add("e30.e30.second");
        var file = _directory.Write("jwt", "e30.e30.first");
        var provider = Provider($$""","auth":"{{auth}}","role":"enclave","jwtFile":"{{file}}" """);
        var refused = await Assert.ThrowsAnyAsync<KeyException>(() => provider.LoadAsync(default));
        // Vault says 403 too when it cannot reach Kubernetes, which passes.
        Assert.Equal(auth == "kubernetes", refused is KeyUnavailableException);
        Assert.DoesNotContain("e30.e30", refused.ToString());
        File.WriteAllText(file, "e30.e30.second\n");
        Assert.Single((await Provider($$""","auth":"{{auth}}","role":"enclave","jwtFile":"{{file}}" """).LoadAsync(default)).Keys);
    }

    [Fact]
    public async Task Transit_unwraps_private_keys_old_wrappings_too()
    {
        Model.Write("kv/data/team/wrapped", new JsonObject
        {
            ["publicKey"] = Samples.SenderPublic,
            ["privateKey"] = Encrypt(Samples.SenderPrivate),
        });
        Model.Answer("POST", "transit/keys/kek/rotate", null, VaultModel.RootToken, null, null);
        Model.Write("kv/data/team/wrapped", new JsonObject
        {
            ["publicKey"] = Samples.RecipientPublic,
            ["privateKey"] = Encrypt(Samples.RecipientPrivate),
        });
        var ring = await Provider(""","transitKey":"kek" """, entries: [Entry("team/wrapped")]).LoadAsync(default);
        Assert.Equal([Samples.Recipient, Samples.Sender], ring.Keys.Select(k => k.PublicKey));

        // The older wrapping is refused from now on: told, and no reason not to start.
        Model.Answer(
            "POST", "transit/keys/kek/config", null, VaultModel.RootToken, null, new JsonObject { ["min_decryption_version"] = 2 });
        var provider = Provider(""","transitKey":"kek" """, entries: [Entry("team/wrapped")]);
        Assert.Single((await provider.LoadAsync(default)).Keys);
        Assert.Contains("too old", Assert.Single(provider.Passed));

        Assert.Contains("transitKey", (await Assert.ThrowsAsync<KeyException>(
            () => Provider(entries: [Entry("team/wrapped")]).LoadAsync(default))).Message);
        Model.Answer("POST", "transit/keys/other", null, VaultModel.RootToken, null, null);
        Model.Answer("POST", "transit/keys/other/rotate", null, VaultModel.RootToken, null, null);
        Assert.Contains("does not open", (await Assert.ThrowsAsync<KeyException>(
            () => Provider(""","transitKey":"other" """, entries: [Entry("team/wrapped")]).LoadAsync(default))).Message);
    }

    [Theory]
    [InlineData("""{"url":"http://vault.example:8200"}""", "plain text")]
    [InlineData("""{"url":"vault.example:8200"}""", "https://host:port")]
    [InlineData("""{}""", "is required")]
    [InlineData("""{"url":"https://v:1","auth":"ldap"}""", "none of token, approle")]
    [InlineData("""{"url":"https://v:1","auth":"jwt"}""", "role")]
    [InlineData("""{"url":"https://v:1","refresh":"0s"}""", "refresh")]
    [InlineData("""{"url":"https://v:1","maxAge":"soon"}""", "maxAge")]
    [InlineData("""{"url":"https://v:1","transitKey":"a/../b"}""", "no path")]
    [InlineData("""{"url":"https://v:1","wrapped":"yes"}""", "true or false")]
    [InlineData("""{"url":"https://v:1","caFile":"/nowhere/ca.pem"}""", "/nowhere/ca.pem")]
    [InlineData("""{"url":"https://v:1","olderVersions":-1}""", "0 to 1000")]
    public async Task A_setting_that_cannot_be_used_is_named(string properties, string words)
    {
        var config = _directory.Write("e.json", $$$"""
            {"keys":{"keyVaultConfigs":[{"keyVaultType":"HASHICORP","properties":{{{properties}}}}],
             "keyData":[{{{Entry("team/tm1")}}}]}}
            """);
        using var provider = new TesseraKeyProvider(config, _time, _environment.GetValueOrDefault);
        var error = await Assert.ThrowsAsync<KeyException>(() => provider.LoadAsync(default));
        Assert.Contains(words, error.Message);
        Assert.StartsWith("keys.keyVaultConfigs[0].properties", error.Key, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_vault_that_no_key_is_in_is_not_asked_and_not_read()
    {
        var config = _directory.Write("e.json", $$$"""
            {"keys":{"keyVaultConfigs":[{"keyVaultType":"HASHICORP","properties":{"url":"nonsense"}}],
             "keyData":[{"privateKey":"{{{Samples.SenderPrivate}}}","publicKey":"{{{Samples.SenderPublic}}}"}]}}
            """);
        using var provider = new TesseraKeyProvider(config, _time, _ => null);
        Assert.Single((await provider.LoadAsync(default)).Keys);
        Assert.Equal(default, provider.Freshness);
    }

    private static (string, string, EnclaveKeyState)[] Describe(KeyRing ring) => [.. ring.Keys.Select(k => (k.Id, k.Version, k.State))];

    private static JsonObject Pair(string publicKey, string privateKey) =>
        new() { ["publicKey"] = publicKey, ["privateKey"] = privateKey };

    private static X509Certificate2 Certificate(IPAddress address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=vault test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static string Entry(string name, string more = "") => $$"""
        {"hashicorpVaultPublicKeyId":"publicKey","hashicorpVaultPrivateKeyId":"privateKey",
         "hashicorpVaultSecretEngineName":"kv","hashicorpVaultSecretName":"{{name}}"{{more}}}
        """;

    private string Encrypt(string privateKey) => (string)Model.Answer("POST", "transit/encrypt/kek", null, VaultModel.RootToken, null,
        new JsonObject { ["plaintext"] = privateKey }).Body!["data"]!["ciphertext"]!;

    private string Wrap(string path, string method = "POST") =>
        (string)Model.Answer(method, path, null, VaultModel.RootToken, "120s", new JsonObject()).Body!["wrap_info"]!["token"]!;

    /// <summary>An AppRole of the enclave's, in the environment as Tessera takes it.</summary>
    private void Role(int ttl = 3600, int maxTtl = 7200, int uses = 0)
    {
        foreach (var name in (string[])["enclave", "other-thing"])
            Model.Answer("POST", $"auth/approle/role/{name}", null, VaultModel.RootToken, null, new JsonObject
            {
                ["token_ttl"] = $"{ttl}s",
                ["token_max_ttl"] = $"{maxTtl}s",
                ["secret_id_num_uses"] = uses,
            });
        _environment["HASHICORP_ROLE_ID"] = (string)Model.Answer(
            "GET", "auth/approle/role/enclave/role-id", null, VaultModel.RootToken, null, null).Body!["data"]!["role_id"]!;
        _environment["HASHICORP_SECRET_ID"] = (string)Model.Answer(
            "POST", "auth/approle/role/enclave/secret-id", null, VaultModel.RootToken, null, null).Body!["data"]!["secret_id"]!;
    }

    private TesseraKeyProvider Provider(string more = "", string? url = null, string[]? entries = null)
    {
        var config = _directory.Write($"{_providers.Count}.json", $$$"""
            {"keys":{"keyVaultConfigs":{"keyVaultType":"HASHICORP","properties":{"url":"{{{url ?? _vault.Url}}}"{{{more}}}}},
             "keyData":[{{{string.Join(',', entries ?? [Entry("team/tm1")])}}}]}}
            """);
        var provider = new TesseraKeyProvider(config, _time, _environment.GetValueOrDefault);
        _providers.Add(provider);
        return provider;
    }

    private async Task<KeyRing?> RefreshAsync(TesseraKeyProvider provider)
    {
        _time.Advance(TimeSpan.FromSeconds(61));
        return await provider.RefreshAsync(default);
    }
}
