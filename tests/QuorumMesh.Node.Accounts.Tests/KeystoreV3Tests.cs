using System.Text;
using System.Text.Json;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Accounts.Tests;

public class KeystoreV3Tests
{
    [VectorFact]
    public void Opens_the_public_vectors()
    {
        using var vectors = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/KeyStoreTests/basic_tests.json"));
        var count = 0;
        foreach (var vector in vectors.RootElement.EnumerateObject())
        {
            var json = Encoding.UTF8.GetBytes(vector.Value.GetProperty("json").GetRawText());
            using var password = SecretBytes.FromText(vector.Value.GetProperty("password").GetString());
            using var key = KeystoreV3.Decrypt(json, password);
            Assert.Equal(vector.Value.GetProperty("priv").GetString(), Hex.ToHex(key.Span, prefix: false));
            count++;
        }

        Assert.True(count >= 5);
    }

    /// <summary>Of go-ethereum 1.8.18, accounts/keystore/testdata/v1: password g.</summary>
    private const string FirstVersion = """
        {"address":"cb61d5a9c4896fb9658090b597ef0e7be6f7b67e","Crypto":{"cipher":"aes-128-cbc","ciphertext":"6143d3192db8b66eabd693d9c4e414dcfaee52abda451af79ccf474dafb35f1bfc7ea013aa9d2ee35969a1a2e8d752d0",
        "cipherparams":{"iv":"35337770fc2117994ecdcad026bccff4"},"kdf":"scrypt","kdfparams":{"n":262144,"r":8,"p":1,"dklen":32,"salt":"9afcddebca541253a2f4053391c673ff9fe23097cd8555d149d929e4ccf1257f"},
        "mac":"3f3d5af884b17a100b0b3232c0636c230a54dc2ac8d986227219b0dd89197644","version":"1"},"id":"e25f7c1f-d318-4f29-b62c-687190d4d299","version":"1"}
        """;

    [Fact]
    public void Opens_a_file_of_version_1()
    {
        using var password = SecretBytes.FromText("g");
        using var key = KeystoreV3.Decrypt(Encoding.UTF8.GetBytes(FirstVersion), password);
        Assert.Equal("d1b1178d3529626a1a93e073f65028370d14c7eb0936eb42abef05db6f37ad7d", Hex.ToHex(key.Span, prefix: false));
        Assert.Equal(KeystoreV3.AddressOf(Encoding.UTF8.GetBytes(FirstVersion)), Secp256k1.AddressOf(Secp256k1.PublicKey(key.Span)));
        using var other = SecretBytes.FromText("h");
        Assert.Throws<WrongPasswordException>(() => KeystoreV3.Decrypt(Encoding.UTF8.GetBytes(FirstVersion), other).Dispose());
    }

    [Theory]
    [InlineData("\"version\":3", "\"version\":\"3\"", true)]
    [InlineData("\"version\":3", "\"version\":2", false)]
    [InlineData("\"version\":3", "\"version\":\"1\"", false)]
    [InlineData("\"version\":3", "\"version\":null", false)]
    public void The_version_may_be_a_text(string written, string replaced, bool opens)
    {
        using var password = SecretBytes.FromText("x");
        var key = Enumerable.Repeat((byte)7, 32).ToArray();
        var json = Encoding.UTF8.GetString(
            KeystoreV3.Encrypt(key, Secp256k1.AddressOf(Secp256k1.PublicKey(key)), password, new ScryptParameters(2, 1, 1)));
        Assert.Contains(written, json, StringComparison.Ordinal);
        var changed = Encoding.UTF8.GetBytes(json.Replace(written, replaced, StringComparison.Ordinal));
        if (!opens)
        {
            Assert.Throws<KeystoreFormatException>(() => KeystoreV3.Decrypt(changed, password).Dispose());
            return;
        }
        using var opened = KeystoreV3.Decrypt(changed, password);
        Assert.Equal(key, opened.Span.ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"version":1}""")]
    [InlineData("""{"version":"3"}""")]
    [InlineData("""{"version":3,"crypto":{}}""")]
    [InlineData("""{"version":3,"crypto":{"cipher":"aes-256-ctr"}}""")]
    [InlineData("""{"version":3,"crypto":{"cipher":"aes-128-ctr","ciphertext":"zz"}}""")]
    [InlineData("""{"version":3,"crypto":{"cipher":"aes-128-ctr","ciphertext":"00","cipherparams":{"iv":"00"}}}""")]
    [InlineData("""{"version":3,"crypto":{"cipher":"aes-128-ctr","ciphertext":"00","cipherparams":{"iv":"00000000000000000000000000000000"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":1073741824,"r":8,"p":1,"salt":"00"},"mac":"00"}}""")]
    [InlineData("""{"version":3,"crypto":{"cipher":"aes-128-ctr","ciphertext":"00","cipherparams":{"iv":"00000000000000000000000000000000"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":3,"r":8,"p":1,"salt":"00"},"mac":"00"}}""")]
    [InlineData("""{"version":3,"crypto":{"cipher":"aes-128-ctr","ciphertext":"00","cipherparams":{"iv":"00000000000000000000000000000000"},"kdf":"pbkdf2","kdfparams":{"dklen":32,"c":2000000000,"prf":"hmac-sha256","salt":"00"},"mac":"00"}}""")]
    public void Malformed_files_are_refused(string json)
    {
        using var password = SecretBytes.FromText("x");
        Assert.Throws<KeystoreFormatException>(() => KeystoreV3.Decrypt(Encoding.UTF8.GetBytes(json), password).Dispose());
    }
}
