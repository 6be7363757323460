using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Tests;

namespace QuorumMesh.Tls.Tests;

/// <summary>Certificates from files: forms, reload, warnings.</summary>
public sealed class CertificateSourceTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(11);

    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly List<string> _told = [];
    private readonly TlsMaterials _materials;

    public CertificateSourceTests() => _materials = new TlsMaterials(_clock);

    public void Dispose()
    {
        _materials.Dispose();
        _pki.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Certificate_and_key_come_from_PEM_with_the_chain_behind_them()
    {
        var source = Pem(_pki.Issue("node"));
        Assert.Equal("CN=node", source.Current.TargetCertificate.Subject);
        Assert.True(source.Current.TargetCertificate.HasPrivateKey);
    }

    [Fact]
    public void One_that_the_service_makes_is_made_anew_in_time_and_without_a_word()
    {
        var made = new List<DateTimeOffset>();
        var source = _materials.Made("raft", now =>
        {
            made.Add(now);
            return TestPki.SelfSigned($"made {made.Count}");
        }, TimeSpan.FromDays(1));
        _materials.Watch(_told.Add);
        Assert.Equal("CN=made 1", source.Current.TargetCertificate.Subject);
        _clock.Advance(TimeSpan.FromHours(23));
        Assert.Single(made);
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal("CN=made 2", source.Current.TargetCertificate.Subject);
        Assert.Empty(_told);
    }

    [Fact]
    public void An_encrypted_key_opens_with_its_password()
    {
        using var made = _pki.Issue("node");
        using var key = made.GetECDsaPrivateKey()!;
        var pbe = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        var certificate = _directory.Write("e.crt", made.ExportCertificatePem());
        var locked = _directory.Write("e.key", key.ExportEncryptedPkcs8PrivateKeyPem("test only", pbe));
        var source = Open(CertificateFiles.Pem("--cert", certificate, locked, "test only"));
        Assert.True(source.Current.TargetCertificate.HasPrivateKey);
        Assert.Throws<TlsSetupException>(() => Open(CertificateFiles.Pem("--cert", certificate, locked)));
        Assert.Throws<TlsSetupException>(() => Open(CertificateFiles.Pem("--cert", certificate, locked, "wrong")));
    }

    [Fact]
    public void A_key_store_of_PKCS12_opens_whatever_its_name()
    {
        using var made = _pki.Issue("node");
        var path = _directory.File("store.jks");
        File.WriteAllBytes(path, made.Export(X509ContentType.Pkcs12, "test only"));
        Assert.Equal("CN=node", Open(CertificateFiles.Store("--store", path, "test only")).Current.TargetCertificate.Subject);
        var wrong = Assert.Throws<TlsSetupException>(() => Open(CertificateFiles.Store("--store", path, "wrong one")));
        Assert.Contains("password may be wrong", wrong.Message);
        Assert.DoesNotContain("wrong one", wrong.Message);
    }

    [Theory]
    [InlineData("FEEDFEED00000002")]
    [InlineData("FEEDFEED0000000200000001")]
    [InlineData("FEEDFEED000000090000000100000001")]
    [InlineData("FEEDFEED00000002FFFFFFFF0000000100014100000000000000000000000100")]
    [InlineData("FEEDFEED0000000200000001000000090001410000000000000000000000010000000000000000000000000000000000000000000000")]
    [InlineData("3003020103")]
    public void A_damaged_store_is_named_whatever_its_reader_throws(string hex)
    {
        var path = _directory.File("store.jks");
        File.WriteAllBytes(path, Convert.FromHexString(hex));
        Assert.Throws<TlsSetupException>(() => Open(CertificateFiles.Store("--store", path, "test only")));
        Assert.Throws<TlsSetupException>(() => _materials.AuthoritiesOfStore("--trust", path, "test only"));
    }

    [Fact]
    public void Whatever_one_file_does_to_its_reader_the_others_are_taken_up()
    {
        var path = _directory.Write("odd", "first");
        var odd = _materials.Files("--odd", [path],
            contents => contents[0].Length == 5 ? "read" : throw new InvalidTimeZoneException("no"));
        var source = Pem(_pki.Issue("first"));
        _materials.Watch(_told.Add);
        _directory.Write("odd", "changed");
        TestPki.Write(_directory, "n", _pki.Issue("second"));
        _told.Clear();
        _clock.Advance(Interval);
        _clock.Advance(Interval);
        Assert.Equal("read", odd.Current);
        Assert.Equal("CN=second", source.Current.TargetCertificate.Subject);
        Assert.Single(_told, line => line.Contains("InvalidTimeZoneException", StringComparison.Ordinal));
    }

    [VectorFact]
    public void Tesseras_own_JKS_opens_with_the_key_that_belongs_to_it()
    {
        using var recorded = JsonDocument.Parse(File.ReadAllBytes(Vectors.Path("tessera/tls.json")));
        var made = recorded.RootElement.GetProperty("generatedKeyStore");
        AssertStore(made.GetProperty("jks_base64").GetString()!, made.GetProperty("password").GetString()!,
            made.GetProperty("certificate_and_key_pem").GetString()!);
        var stores = recorded.RootElement.GetProperty("stores");
        foreach (var (store, key) in new[] { ("nodeA_jks", "nodeA_key_pem"), ("nodeB_p12", "nodeB_key_pem") })
            AssertStore(stores.GetProperty(store).GetProperty("base64").GetString()!,
                stores.GetProperty(store).GetProperty("password").GetString()!, stores.GetProperty(key).GetString()!);
    }

    [Theory]
    [InlineData("no file", "there is no file")]
    [InlineData("other key", "do not go together")]
    [InlineData("DER", "PEM is wanted")]
    [InlineData("empty", "no PEM certificate")]
    [InlineData("no key", "no PEM private key")]
    public void What_cannot_be_used_is_named_with_its_file(string fault, string said)
    {
        var (certificate, key) = TestPki.Write(_directory, "n", _pki.Issue("node"));
        if (fault == "no file") File.Delete(certificate);
        if (fault == "other key") key = TestPki.Write(_directory, "other", _pki.Issue("node")).Key;
        if (fault == "DER") File.WriteAllBytes(certificate, _pki.Issue("node").RawData);
        if (fault == "empty") File.WriteAllText(certificate, "nothing");
        if (fault == "no key") File.WriteAllText(key, "nothing");
        var refused = Assert.Throws<TlsSetupException>(() => Open(CertificateFiles.Pem("--cert", certificate, key)));
        Assert.Contains(said, refused.Message);
        Assert.StartsWith("--cert: ", refused.Message);
        Assert.Contains(fault == "no key" ? key : certificate, refused.Message);
    }

    [Fact]
    public void A_new_certificate_is_taken_up_only_when_its_key_is_there_too()
    {
        var source = Pem(_pki.Issue("first"));
        _materials.Watch(_told.Add);
        using var second = _pki.Issue("second");
        using var key = second.GetECDsaPrivateKey()!;
        _told.Clear();
        _directory.Write("n.crt", second.ExportCertificatePem());
        _clock.Advance(Interval);
        _clock.Advance(Interval);
        Assert.Equal("CN=first", source.Current.TargetCertificate.Subject);
        Assert.Single(_told, line => line.Contains("stays in use", StringComparison.Ordinal));
        _directory.Write("n.key", key.ExportPkcs8PrivateKeyPem());
        _clock.Advance(Interval);
        Assert.Equal("CN=second", source.Current.TargetCertificate.Subject);
        Assert.Contains(_told, line => line.Contains("is in use from now on", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_gone_for_a_while_changes_nothing()
    {
        var source = Pem(_pki.Issue("node"));
        _materials.Watch(_told.Add);
        File.Move(_directory.File("n.crt"), _directory.File("away"));
        _clock.Advance(Interval);
        Assert.Equal("CN=node", source.Current.TargetCertificate.Subject);
        Assert.Contains(_told, line => line.Contains("there is no file", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(31, null)]
    [InlineData(29, "expires in 29 days")]
    [InlineData(-1, "has expired")]
    public void The_end_is_told_thirty_days_ahead_and_once_a_day(int days, string? said)
    {
        // A minute more, so that it is still that number of days when it is asked.
        Pem(_pki.Issue("node", DateTimeOffset.UtcNow.AddDays(-40), DateTimeOffset.UtcNow.AddDays(days).AddMinutes(1)));
        _materials.Watch(_told.Add);
        Assert.Equal(said is null ? 0 : 1, _told.Count);
        if (said is null) return;
        Assert.Contains(said, _told[0]);
        _clock.Advance(TimeSpan.FromHours(23));
        Assert.Single(_told);
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(2, _told.Count);
    }

    private static void AssertStore(string base64, string password, string keyPem)
    {
        var read = KeyStoreReader.ReadCertificate(Convert.FromBase64String(base64), password);
        using var rsa = RSA.Create();
        rsa.ImportFromPem(keyPem.AsSpan(keyPem.IndexOf("-----BEGIN PRIVATE KEY", StringComparison.Ordinal)));
        using var own = read.Own.GetRSAPrivateKey()!;
        Assert.Equal(rsa.ExportParameters(false).Modulus, own.ExportParameters(false).Modulus);
        byte[] text = [1];
        var signed = own.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Assert.True(rsa.VerifyData(text, signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private CertificateSource Pem(X509Certificate2 made)
    {
        var (certificate, key) = TestPki.Write(_directory, "n", made);
        return Open(CertificateFiles.Pem("--cert", certificate, key));
    }

    private CertificateSource Open(CertificateFiles files) => _materials.Certificate("test", "--cert", files);
}
