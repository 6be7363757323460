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
