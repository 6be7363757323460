using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

public sealed class NodeKeyFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorummesh-nodekey-").FullName;

    private string KeyPath => Path.Combine(_directory, "geth", "nodekey");

    [Fact]
    public void A_key_is_made_once_and_stays()
    {
        using var first = NodeKeyFile.LoadOrCreate(KeyPath);
        using var second = NodeKeyFile.LoadOrCreate(KeyPath);
        Assert.Equal(first.NodeId, second.NodeId);
        Assert.Equal(64, File.ReadAllText(KeyPath).Length);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
    }

    [Theory]
    [InlineData("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")]
    [InlineData("B71C71A67E1177AD4E901695E1B4B9EE17AE16C6668D313EAC2F96DBCDA3F291\n")]
    public void Reads_what_geth_wrote(string content)
    {
        var path = Path.Combine(_directory, "key");
        File.WriteAllText(path, content);
        using var key = NodeKeyFile.Load(path);
        Assert.Equal(new NodeKey(Convert.FromHexString(content.Trim())).NodeId, key.NodeId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("b71c")]
    [InlineData("x71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void Refuses_what_is_no_key_without_showing_it(string content)
    {
        var path = Path.Combine(_directory, "key");
        File.WriteAllText(path, content);
        var error = Assert.Throws<InvalidDataException>(() => NodeKeyFile.Load(path));
        Assert.Contains(path, error.Message);
        Assert.True(content.Length < 5 || !error.Message.Contains(content));
    }

    [Fact]
    public void What_a_crash_left_beside_it_is_in_nobodys_way()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        File.WriteAllText(KeyPath + ".new", "half");
        using var key = NodeKeyFile.LoadOrCreate(KeyPath);
        Assert.Equal(64, File.ReadAllText(KeyPath).Length);
        Assert.Equal(2, Directory.GetFileSystemEntries(Path.GetDirectoryName(KeyPath)!).Length);
    }

    [Fact]
    public void It_signs_for_its_address()
    {
        using var key = NodeKey.Generate();
        var hash = Keccak.Hash([1]);
        var signature = key.Sign(hash);
        Assert.True(Secp256k1.TryRecoverAddress(hash.ToArray(), signature.AsSpan(0, 64), signature[64], out var signer));
        Assert.Equal(key.Address, signer);
    }

    [Fact]
    public void A_missing_file_is_said() => Assert.Throws<FileNotFoundException>(() => NodeKeyFile.Load(KeyPath));

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
