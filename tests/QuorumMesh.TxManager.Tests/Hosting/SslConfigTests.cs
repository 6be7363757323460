using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;
using QuorumMesh.TxManager.Configuration;

namespace QuorumMesh.TxManager.Tests.Hosting;

/// <summary>Tessera's sslConfig: what starts and what does not, beside what a real Tessera did with the same configuration.</summary>
public sealed class SslConfigTests : IDisposable
{
    /// <summary>
    /// Where ours is another: what would start at Tessera and serve nobody is refused, and its accidents are none of ours.
    /// </summary>
    private static readonly Dictionary<string, bool> Own = new()
    {
        ["https-address-off"] = false, // plain text where https is advertised
        ["http-address-strict"] = false, // TLS where http is advertised
        ["pem-mismatch"] = false, // every handshake fails
        ["ca-trustcert-empty-list"] = false, // everybody is refused
        ["ca-empty-truststore"] = false,
        ["exclude-all-ciphers"] = false,
        ["whitelist-uppercase"] = false, // that line never counts
        ["whitelist-blank-line"] = true,
        ["pem-pkcs1"] = true,
        ["pem-ec"] = true,
    };

    /// <summary>Their stores and keys are not in the records.</summary>
    private static readonly string[] Unrecorded = ["two-aliases", "key-password-differs", "pem-ed25519", "ca-empty-truststore"];

    private readonly TempDirectory _directory = new();
    private readonly TlsMaterials _materials = new(TimeProvider.System);

    public void Dispose()
    {
        _materials.Dispose();
        _directory.Dispose();
    }

    [VectorFact]
    public void What_a_real_Tessera_starts_with_ours_starts_with()
    {
        using var recorded = JsonDocument.Parse(File.ReadAllBytes(Vectors.Path("tessera/tls.json")));
        WriteFiles(recorded.RootElement);
        var compared = 0;
        foreach (var config in recorded.RootElement.GetProperty("configs").EnumerateArray())
        {
            var id = config.GetProperty("id").GetString()!;
            if (Unrecorded.Contains(id)) continue;
            var starts = config.GetProperty("result").GetString() == "started";
            var variables = config.GetProperty("env").EnumerateObject().ToList();
            foreach (var variable in variables) Environment.SetEnvironmentVariable(variable.Name, variable.Value.GetString());
            var why = Start(config);
            foreach (var variable in variables) Environment.SetEnvironmentVariable(variable.Name, null);
            Assert.True(Own.GetValueOrDefault(id, starts) == why is null,
                $"{id}: Tessera {config.GetProperty("result")}, ours {why ?? "started"}");
            if (why is not null) Assert.DoesNotContain("changeit", why);
            compared++;
        }
        Assert.True(compared > 35);
    }

    [Fact]
    public void A_key_store_is_made_once_where_it_is_asked_for_and_names_what_is_advertised()
    {
        var ssl = Read(new JsonObject
        {
            ["tls"] = "STRICT",
            ["generateKeyStoreIfNotExisted"] = true,
            ["serverTrustMode"] = "NONE",
            ["clientTrustMode"] = "NONE",
            ["serverKeyStore"] = _directory.File("s.p12"),
            ["serverKeyStorePassword"] = "test only",
            ["clientKeyStore"] = _directory.File("s.p12"),
            ["clientKeyStorePassword"] = "test only",
        }, "https://manager.example:9001")!;
        ssl.Server(_materials, "p2p");
        var made = File.ReadAllBytes(_directory.File("s.p12"));
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadPkcs12(made, "test only");
        Assert.Equal("CN=manager.example:9001", certificate.Subject);
        Assert.True(certificate.MatchesHostname("manager.example", allowCommonName: false));
        Assert.True(certificate.MatchesHostname("127.0.0.1", allowCommonName: false));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.File("s.p12")));
        ssl.Client(_materials, "p2p");
        Assert.Equal(made, File.ReadAllBytes(_directory.File("s.p12")));
    }

    private string? Start(JsonElement config)
    {
        try
        {
            var ssl = JsonNode.Parse(Located(config.GetProperty("sslConfig").GetRawText()))!.AsObject();
            var read = Read(ssl, config.GetProperty("serverAddress").GetString()!.Replace("PORT", "9001", StringComparison.Ordinal));
            read?.Server(_materials, "p2p");
            read?.Client(_materials, "p2p");
            return null;
        }
        catch (Exception e) when (e is OptionsException or TlsSetupException)
        {
            return e.Message;
        }
    }

    private SslSettings? Read(JsonObject ssl, string address)
    {
        var file = _directory.Write("tm.json", new JsonObject
        {
            ["jdbc"] = new JsonObject { ["url"] = "jdbc:sqlite:tm.db" },
            ["serverConfigs"] = new JsonArray(
                new JsonObject { ["app"] = "Q2T", ["serverAddress"] = "unix:" + _directory.File("tm.ipc") },
                new JsonObject
                {
                    ["app"] = "P2P",
                    ["serverAddress"] = address,
                    ["bindingAddress"] = "https://127.0.0.1:9001",
                    ["sslConfig"] = ssl.DeepClone(),
                },
                new JsonObject { ["app"] = "ENCLAVE", ["serverAddress"] = "unix:" + _directory.File("e.ipc") }),
        }.ToJsonString());
        return ManagerConfig.Read(new CommandLineSettings(file, [])).Servers.Single(s => s.Kind == AppKind.P2P).Ssl;
    }

    private string Located(string json)
    {
        foreach (var file in Directory.GetFiles(_directory.Path).Select(f => Path.GetFileName(f)!).Append("missing-file"))
            json = json.Replace($"\"{file}\"", JsonSerializer.Serialize(_directory.File(file)), StringComparison.Ordinal);
        return json;
    }

    private void WriteFiles(JsonElement recorded)
    {
        var stores = recorded.GetProperty("stores");
        File.WriteAllBytes(_directory.File("nodeA.jks"), stores.GetProperty("nodeA_jks").GetProperty("base64").GetBytesFromBase64());
        File.WriteAllBytes(_directory.File("trust.jks"), stores.GetProperty("trust_jks").GetProperty("base64").GetBytesFromBase64());
        string Pem(string name) => recorded.GetProperty("certificates").GetProperty(name).GetProperty("pem").GetString()!;
        using var key = RSA.Create();
        var pem = stores.GetProperty("nodeA_key_pem").GetString()!;
        key.ImportFromPem(pem.AsSpan(pem.IndexOf("-----BEGIN PRIVATE KEY", StringComparison.Ordinal)));
        _directory.Write("good.key", key.ExportPkcs8PrivateKeyPem());
        _directory.Write("good.pkcs1.key", key.ExportRSAPrivateKeyPem());
        _directory.Write("good.enc.key", key.ExportEncryptedPkcs8PrivateKeyPem("test only",
            new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        _directory.Write("good.crt", Pem("nodeA"));
        _directory.Write("good.chain.crt", $"{Pem("nodeA")}\n{Pem("ca1")}");
        _directory.Write("good.text.crt", $"some text\n{Pem("nodeA")}\nmore of it");
        _directory.Write("self.crt", Pem("self"));
        _directory.Write("ca1.crt", Pem("ca1"));
        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(Pem("good"));
        File.WriteAllBytes(_directory.File("good.der"), certificate.RawData);
        using var pki = new TestPki();
        TestPki.Write(_directory, "ca-ec", pki.Issue("ec"));
        WriteLists(recorded.GetProperty("certificates").GetProperty("listed").GetProperty("sha1").GetString()!);
    }

    private void WriteLists(string sha1)
    {
        var line = $"peer-listed {sha1}";
        _directory.Write("shortline", "peer-listed\n");
        _directory.Write("crlf", $"# a comment\r\n{line}\r\n");
        _directory.Write("upper", $"peer-listed {sha1.ToUpperInvariant()}\n");
        _directory.Write("blank", $"{line}\n\n{line}\n");
        _directory.Write("dup1", $"{line}\npeer-listed {new string('0', 40)}\n");
        _directory.Write("dup2", $"peer-listed {new string('0', 40)}\n{line}\n");
        _directory.Write("extra", $"{line} more words\n");
    }
}
