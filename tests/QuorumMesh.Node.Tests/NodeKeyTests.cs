using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class NodeKeyTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Is_made_once_for_its_owner_alone()
    {
        var path = _temp.File("nodekey");
        using var made = OwnNodeKey.LoadOrCreate(path);
        using var again = OwnNodeKey.LoadOrCreate(path);
        Assert.Equal(made.PublicKey, again.PublicKey);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(64, File.ReadAllText(path).Length);
    }

    [Fact]
    public void Signs_for_its_address()
    {
        using var key = OwnNodeKey.LoadOrCreate(_temp.Write("nodekey", new string('1', 64) + "\n"));
        var hash = Keccak.Hash([1]);
        var signature = key.Sign(hash);
        Assert.True(Secp256k1.TryRecoverAddress(hash.ToArray(), signature.AsSpan(0, 64), signature[64], out var signer));
        Assert.Equal(key.Address, signer);
    }

    [Theory]
    [InlineData("")]
    [InlineData("11")]
    [InlineData("zz11111111111111111111111111111111111111111111111111111111111111")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void A_damaged_file_is_named_and_its_content_is_not(string content)
    {
        var path = _temp.Write("nodekey", content);
        var error = Assert.Throws<OptionsException>(() => OwnNodeKey.LoadOrCreate(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        if (content.Length > 2) Assert.DoesNotContain(content, error.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }
}
