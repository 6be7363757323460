using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Keys.Tests;

/// <summary>No flipped bit of a key file makes the enclave start with another key.</summary>
public class KeyFileDamageTests
{
    [Theory]
    [InlineData("")]
    [InlineData("a password")]
    public async Task Every_flipped_bit_is_refused_or_changes_nothing(string password)
    {
        using var directory = new TempDirectory();
        var expected = TesseraKeyFile.Generate(directory.File("k"), System.Text.Encoding.UTF8.GetBytes(password),
            new ArgonOptions(ArgonVariant.Id, 8, 3, 1));
        directory.Write("passwords", password + "\n");
        var config = directory.Write("e.json", $$$"""
            {"keys":{"passwordFile":"{{{directory.File("passwords")}}}","keyData":[{"privateKeyPath":"{{{directory.File("k.key")}}}","publicKeyPath":"{{{directory.File("k.pub")}}}"}]}}
            """);
        var provider = new TesseraKeyProvider(config, TimeProvider.System, _ => null);
        Assert.Equal([expected], await KeysAsync(provider));

        foreach (var file in new[] { directory.File("k.key"), directory.File("k.pub") })
        {
            var whole = File.ReadAllBytes(file);
            var refused = 0;
            for (var bit = 0; bit < whole.Length * 8; bit++)
            {
                byte[] damaged = [.. whole];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                File.WriteAllBytes(file, damaged);
                try
                {
                    Assert.Equal([expected], await KeysAsync(provider));
                }
                catch (KeyException)
                {
                    refused++;
                }
            }

            File.WriteAllBytes(file, whole);
            Assert.True(refused > whole.Length * 7, $"{refused} of {whole.Length * 8} in {Path.GetFileName(file)}");
        }
    }

    private static async Task<PublicKey[]> KeysAsync(TesseraKeyProvider provider)
    {
        var ring = await provider.LoadAsync(CancellationToken.None);
        PublicKey[] keys = [.. ring.Keys.Select(k => k.PublicKey)];
        foreach (var pair in ring.Keys) pair.Dispose();
        return keys;
    }
}
