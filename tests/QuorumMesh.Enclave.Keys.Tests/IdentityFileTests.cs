using QuorumMesh.Enclave.Core;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Keys.Tests;

/// <summary>An identity in files, and what is not taken for one.</summary>
public sealed class IdentityFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_made_is_read_again(bool locked)
    {
        var password = locked ? _directory.Write("password", "correct horse\n") : null;
        var made = IdentityFile.Generate(_directory.File("identity"), password);
        using var read = IdentityFile.Load(Config(password is null ? "" : ",\"passwordFile\":\"password\""));
        Assert.Equal(made, Convert.ToBase64String(read!.PublicKey));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.File("identity.key")));
        Assert.Contains("not overwritten", Assert.Throws<KeyException>(
            () => IdentityFile.Generate(_directory.File("identity"), null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void None_is_named_and_none_is_made()
    {
        Assert.Null(IdentityFile.Load(_directory.Write("none.json", """{"keys":{"keyData":[]}}""")));
        Assert.Throws<KeyException>(() => IdentityFile.Load(Config("")));
        Assert.False(File.Exists(_directory.File("identity.key")));
    }

    /// <summary>Both are 32 bytes in the same form of file.</summary>
    [Fact]
    public void A_key_that_seals_is_no_identity_and_an_identity_seals_nothing()
    {
        TesseraKeyFile.Generate(_directory.File("identity"));
        var refused = Assert.Throws<KeyException>(() => IdentityFile.Load(Config("")));
        Assert.Equal("keys.identity", refused.Key);
        IdentityFile.Generate(_directory.File("tm"), null);
        using var privateKey = TesseraKeyFile.ReadPrivateKey(_directory.File("tm.key"));
        Assert.Throws<ArgumentException>(() => new EnclaveKeyPair(TesseraKeyFile.ReadPublicKey(_directory.File("tm.pub")), privateKey,
            "tm", "1", EnclaveKeyState.Active));
    }

    [Fact]
    public void Its_files_are_among_those_that_are_closed_to_others()
    {
        var config = Config(",\"passwordFile\":\"password\"");
        var directory = Path.GetDirectoryName(config)!;
        Assert.Equal([Path.Combine(directory, "identity.key"), Path.Combine(directory, "password")], EnclaveConfig.SecretFiles(config));
    }

    private string Config(string more) => _directory.Write("enclave.json",
        """{"keys":{"identity":{"privateKeyPath":"identity.key","publicKeyPath":"identity.pub"MORE}}}"""
            .Replace("MORE", more, StringComparison.Ordinal));
}
