using System.Text;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Keys.Tests;

public class TesseraKeyFileTests
{
    /// <summary>The locked sample of Tessera's documentation; its password is q.</summary>
    private const string LockedSample =
        """{"type":"argon2sbox","data":{"aopts":{"variant":"id","memory":1048576,"iterations":10,"parallelism":4},"snonce":"x3HUNXH6LQldKtEv3q0h0hR4S12Ur9pC","asalt":"7Sem2tc6fjEfW3yYUDN/kSslKEW0e1zqKnBCWbZu2Zw=","sbox":"d0CmRus0rP0bdc7P7d/wnOyEW14pwFJmcLbdu2W3HmDNRWVJtoNpHrauA/Sr5Vxc"}}""";

    private static readonly ArgonOptions Light = new(ArgonVariant.Id, 256, 3, 1);

    [Theory]
    [InlineData("yAWAJjwPqUtNVlqGjSrBmr1/iIkghuOh1803Yzx9jLM=")]
    [InlineData(@"yAWAJjwPqUtNVlqGjSrBmr1\/iIkghuOh1803Yzx9jLM\u003d")]
    public void Reads_an_unlocked_file(string text)
    {
        using var directory = new TempDirectory();
        var path = directory.Write("a.key", $$$"""{"type":"unlocked","data":{"bytes":"{{{text}}}"}}""");
        using var secret = TesseraKeyFile.ReadPrivateKey(path);
        Assert.True(secret.ContentEquals(Convert.FromBase64String(Samples.SenderPrivate)));
    }

    /// <summary>A GiB and ten passes: some 5 s of two idle cores, so it is among the long tests.</summary>
    [LongFact]
    public void Opens_the_locked_sample_of_the_documentation()
    {
        using var directory = new TempDirectory();
        using var secret = TesseraKeyFile.ReadPrivateKey(directory.Write("a.key", LockedSample), "q"u8);
        Assert.True(secret.ContentEquals(Convert.FromBase64String(Samples.RecipientPrivate)));
    }

    [Theory]
    [InlineData(ArgonVariant.Id, 1)]
    [InlineData(ArgonVariant.I, 1)]
    [InlineData(ArgonVariant.D, 1)]
    [InlineData(ArgonVariant.Id, 4)]
    [InlineData(ArgonVariant.I, 2)]
    [InlineData(ArgonVariant.D, 3)]
    public void Written_locked_file_opens_with_its_password_alone(ArgonVariant variant, int parallelism)
    {
        using var directory = new TempDirectory();
        var publicKey = TesseraKeyFile.Generate(directory.File("k"), "correct horse"u8, new ArgonOptions(variant, 256, 3, parallelism));
        Assert.Equal(publicKey, TesseraKeyFile.ReadPublicKey(directory.File("k.pub")));
        using var secret = TesseraKeyFile.ReadPrivateKey(directory.File("k.key"), "correct horse"u8);
        Assert.Equal(publicKey, NaClBox.PublicKeyOf(secret.Span));
        var wrong = Assert.Throws<KeyException>(() => TesseraKeyFile.ReadPrivateKey(directory.File("k.key"), "wrong"u8));
        Assert.Contains("password does not open", wrong.Message);
        Assert.Throws<KeyException>(() => TesseraKeyFile.ReadPrivateKey(directory.File("k.key")));
    }

    [Theory]
    [InlineData(1, "i", 1, 16, 64, 3)]
    [InlineData(2, "id", 1, 16, 64, 3)]
    [InlineData(0, "d", 1, 16, 64, 3)]
    [InlineData(0, "d", 3, 8, 100, 2)]
    [InlineData(1, "i", 4, 32, 2049, 1)]
    [InlineData(2, "id", 4, 32, 4096, 2)]
    [InlineData(2, "id", 2, 9, 1031, 4)]
    public void Opens_what_another_argon2_locked(int variant, string name, int lanes, int saltSize, int memory, int passes)
    {
        var salt = Samples.Run(1, saltSize);
        var generator = new Argon2BytesGenerator();
        generator.Init(new Argon2Parameters.Builder(variant).WithVersion(0x13).WithIterations(passes).WithMemoryAsKB(memory)
            .WithParallelism(lanes).WithSalt(salt).Build());
        var key = new byte[32];
        generator.GenerateBytes("pw"u8.ToArray(), key);
        var nonce = Samples.Run(7, 24);
        var box = new byte[48];
        NaClBox.Seal(Convert.FromBase64String(Samples.SenderPrivate), nonce, key, box);

        using var directory = new TempDirectory();
        var path = directory.Write("a.key", $$$"""
            {"type":"argon2sbox","data":{"aopts":{"variant":"{{{name}}}","memory":{{{memory}}},"iterations":{{{passes}}},"parallelism":{{{lanes}}}},
            "snonce":"{{{Convert.ToBase64String(nonce)}}}","asalt":"{{{Convert.ToBase64String(salt)}}}","sbox":"{{{Convert.ToBase64String(box)}}}"}}
            """);
        using var secret = TesseraKeyFile.ReadPrivateKey(path, "pw"u8);
        Assert.True(secret.ContentEquals(Convert.FromBase64String(Samples.SenderPrivate)));
    }

    [Fact]
    public void Files_are_the_owners_alone_and_never_overwritten()
    {
        using var directory = new TempDirectory();
        var first = TesseraKeyFile.Generate(directory.File("k"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory.File("k.key")));
        Assert.Contains("exists already", Assert.Throws<KeyException>(() => TesseraKeyFile.Generate(directory.File("k"))).Message);
        File.Delete(directory.File("k.pub"));
        Assert.Contains("exists already", Assert.Throws<KeyException>(() => TesseraKeyFile.Generate(directory.File("k"))).Message);
        using var secret = TesseraKeyFile.ReadPrivateKey(directory.File("k.key"));
        Assert.Equal(first, NaClBox.PublicKeyOf(secret.Span));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"type":"other","data":{}}""")]
    [InlineData("""{"type":"unlocked","data":{}}""")]
    [InlineData("""{"type":"unlocked","data":{"bytes":"!!!"}}""")]
    [InlineData("""{"type":"unlocked","data":{"bytes":7}}""")]
    [InlineData("""{"type":"argon2sbox","data":{"aopts":{"variant":"x","memory":64,"iterations":3,"parallelism":1}}}""")]
    [InlineData("""{"type":"argon2sbox","data":{"aopts":{"variant":"id","memory":999999999,"iterations":3,"parallelism":1}}}""")]
    [InlineData("""{"type":"argon2sbox","data":{"aopts":{"variant":"id","memory":64,"iterations":3,"parallelism":1},"snonce":"AA==","asalt":"AAAAAAAAAAAAAA==","sbox":"AA=="}}""")]
    public void Garbage_is_refused_with_the_file_named(string content)
    {
        using var directory = new TempDirectory();
        var path = directory.Write("a.key", content);
        Assert.Contains("a.key", Assert.Throws<KeyException>(() => TesseraKeyFile.ReadPrivateKey(path, "p"u8)).Message);
    }

    [Fact]
    public async Task Config_gives_direct_inline_and_file_keys_with_passwords()
    {
        using var directory = new TempDirectory();
        var locked = TesseraKeyFile.Generate(directory.File("k"), "pw3"u8, Light);
        directory.Write("passwords", "\n\npw3\n");
        var config = directory.Write("e.json", $$$"""
            {"serverConfigs":[{"app":"P2P","serverAddress":"http://x:1"},{"app":"ENCLAVE","serverAddress":"http://127.0.0.1:0"}],
             "alwaysSendTo":["{{{Samples.RecipientPublic}}}"],"unknown":1,
             "keys":{"passwordFile":"{{{directory.File("passwords")}}}","keyData":[
               {"privateKey":"{{{Samples.SenderPrivate}}}","publicKey":"{{{Samples.SenderPublic}}}"},
               {"config":{"type":"unlocked","data":{"bytes":"{{{Samples.RecipientPrivate}}}"}},"publicKey":"{{{Samples.RecipientPublic}}}"},
               {"privateKeyPath":"{{{directory.File("k.key")}}}","publicKeyPath":"{{{directory.File("k.pub")}}}"}]}}
            """);
        var ring = await new TesseraKeyProvider(config, TimeProvider.System, _ => null).LoadAsync(CancellationToken.None);
        Assert.Equal([Samples.Sender, Samples.Recipient, locked], ring.Keys.Select(k => k.PublicKey));
        var settings = EnclaveConfig.Read(config);
        Assert.Equal("http://127.0.0.1:0", settings.Listen);
        Assert.Equal([Samples.Recipient], settings.AlwaysSendTo);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[\"\"]")]
    [InlineData("[null]")]
    [InlineData("null")]
    public async Task Passwords_of_nobody_are_what_Tesseras_samples_write_for_unlocked_keys(string passwords)
    {
        using var directory = new TempDirectory();
        var config = directory.Write("e.json", $$$"""
            {"keys":{"passwords":{{{passwords}}},"keyData":[{"privateKey":"{{{Samples.SenderPrivate}}}","publicKey":"{{{Samples.SenderPublic}}}"}]}}
            """);
        var ring = await new TesseraKeyProvider(config, TimeProvider.System, _ => null).LoadAsync(CancellationToken.None);
        Assert.Equal(Samples.Sender, Assert.Single(ring.Keys).PublicKey);
    }

    [Theory]
    [InlineData("""{}""", "keys")]
    [InlineData("""{"keys":{"keyData":[]}}""", "keys.keyData")]
    [InlineData("""{"keys":{"keyData":[{"privateKey":"AA==","publicKey":"/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc="}]}}""",
        "keys.keyData[0]")]
    [InlineData("""{"keys":{"keyData":[{"privateKey":"6ccai0+GXRRVbNckE+JubN+UQ9+8pMCx86dZI683X7w=","publicKey":"/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc="}]}}""", "keys.keyData[0]")]
    [InlineData("""{"keys":{"keyData":[{"hashicorpVaultPublicKeyId":"x"}]}}""", "keys.keyData[0].hashicorpVaultSecretEngineName")]
    [InlineData("""{"keys":{"keyData":[{"azureVaultPublicKeyId":"x"}]}}""", "keys.keyData[0].azureVaultPublicKeyId")]
    [InlineData("""{"keys":{"keyData":[{"awsSecretsManagerPublicKeyId":"x"}]}}""", "keys.keyData[0].awsSecretsManagerPublicKeyId")]
    [InlineData("""{"keys":{"keyData":[{"retired":"yes","privateKey":"AA==","publicKey":"AA=="}]}}""", "keys.keyData[0].retired")]
    [InlineData("""{"keys":{"passwords":["x"],"keyData":[{}]}}""", "keys.passwords")]
    [InlineData("""{"keys":{"keyData":[{"privateKeyPath":"x"}]}}""", "keys.keyData[0]")]
    public async Task Bad_config_names_the_key_and_no_secret(string content, string key)
    {
        using var directory = new TempDirectory();
        var provider = new TesseraKeyProvider(directory.Write("e.json", content), TimeProvider.System, _ => null);
        var error = await Assert.ThrowsAsync<KeyException>(() => provider.LoadAsync(CancellationToken.None));
        Assert.Equal(key, error.Key);
        Assert.DoesNotContain(Samples.RecipientPrivate, error.ToString());
    }

    [Fact]
    public void Other_encryptors_and_tls_are_refused_clearly()
    {
        using var directory = new TempDirectory();
        Assert.Contains("encryptor.type", Assert.Throws<KeyException>(
            () => EnclaveConfig.Read(directory.Write("e.json", """{"encryptor":{"type":"EC"}}"""))).Message);
        Assert.Contains("serverConfigs[0].sslConfig.tls", Assert.Throws<KeyException>(() => EnclaveConfig.Read(directory.Write("e.json",
            """{"serverConfigs":[{"app":"ENCLAVE","serverAddress":"https://127.0.0.1:1","sslConfig":{"tls":"STRICT"}}]}"""))).Message);
    }

    [Fact]
    public void Written_unlocked_file_is_tesseras_json()
    {
        using var directory = new TempDirectory();
        using var secret = SecretBuffer.CopyOf(Convert.FromBase64String(Samples.SenderPrivate));
        Assert.Equal(Samples.Sender, TesseraKeyFile.Write(directory.File("k"), secret));
        Assert.Equal($$$"""{"type":"unlocked","data":{"bytes":"{{{Samples.SenderPrivate}}}"}}""",
            File.ReadAllText(directory.File("k.key"), Encoding.ASCII));
        Assert.Equal(Samples.SenderPublic, File.ReadAllText(directory.File("k.pub"), Encoding.ASCII));
    }
}
