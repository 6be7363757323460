using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Accounts.Tests;

/// <summary>
/// No flipped bit of a key file makes an account sign with another key: what the MAC does not cover (the iv), the address does.
/// </summary>
public sealed class KeystoreDamageTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qm-keystore-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Every_flipped_bit_is_refused_or_changes_nothing()
    {
        var hash = Keccak.Hash("message"u8).ToArray();
        using var keystore = new KeystoreManager(_directory, new ScryptParameters(2, 1, 1), TimeProvider.System);
        var address = keystore.NewAccount("pass");
        var signature = keystore.SignWithPassword(address, "pass", hash);
        var file = Assert.Single(Directory.GetFiles(_directory));
        var whole = File.ReadAllBytes(file);
        var refused = 0;
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(file, damaged);
            try
            {
                Assert.Equal(signature, keystore.SignWithPassword(address, "pass", hash));
            }
            catch (AccountException)
            {
                refused++;
            }
        }

        // The id is for people alone, and a hex digit may be of either case.
        Assert.True(refused > whole.Length * 5, $"{refused} of {whole.Length * 8}");
    }
}
