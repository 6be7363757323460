using QuorumMesh.Node.Accounts;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class AccountUnlockTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly KeystoreManager _keystore;

    public AccountUnlockTests() => _keystore = new KeystoreManager(_temp.File("keystore"), new ScryptParameters(2, 1, 1));

    public void Dispose()
    {
        _keystore.Dispose();
        _temp.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void An_empty_file_is_the_empty_password(string file)
    {
        var account = _keystore.NewAccount("");
        AccountUnlock.Run(_keystore, ["0"], _temp.Write("passwords", file));
        Assert.True(_keystore.IsUnlocked(account));
    }

    [Fact]
    public void The_empty_device_is_an_empty_file()
    {
        var account = _keystore.NewAccount("");
        Assert.Equal("/dev/null", OptionRules.ExistingFile("--password", "/dev/null"));
        AccountUnlock.Run(_keystore, ["0"], "/dev/null");
        Assert.True(_keystore.IsUnlocked(account));
    }

    [Theory]
    [InlineData("a\nb", "a", "b", "b")]
    [InlineData("a\r\nb\r\n", "a", "b", "b")]
    [InlineData("a\nb\n", "a", "b", "")]
    [InlineData("b", "b", "b", "b")]
    [InlineData("b\n", "b", "b", "b")]
    public void The_last_line_serves_the_rest(string file, params string[] passwords)
    {
        var accounts = passwords.Select(_keystore.NewAccount).ToList();
        AccountUnlock.Run(_keystore, ["0", accounts[1].ToString(), "2"], _temp.Write("passwords", file));
        Assert.All(accounts, a => Assert.True(_keystore.IsUnlocked(a)));
    }

    [Fact]
    public void Addresses_are_taken_with_and_without_0x()
    {
        var account = _keystore.NewAccount("p");
        AccountUnlock.Run(_keystore, [account.ToString()[2..]], _temp.Write("passwords", "p"));
        Assert.True(_keystore.IsUnlocked(account));
    }

    [Theory]
    [InlineData("1", "no account 1")]
    [InlineData("-1", "no account -1")]
    [InlineData("0x00", "neither")]
    [InlineData("first", "neither")]
    [InlineData("0x0000000000000000000000000000000000000001", "unknown account")]
    public void What_is_not_there_is_named(string account, string why)
    {
        _keystore.NewAccount("p");
        var error = Assert.Throws<OptionsException>(() => AccountUnlock.Run(_keystore, [account], _temp.Write("passwords", "p")));
        Assert.Equal("--unlock", error.Key);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_password_and_no_file_are_told_without_the_password()
    {
        var account = _keystore.NewAccount("p");
        var error = Assert.Throws<OptionsException>(() => AccountUnlock.Run(_keystore, ["0"], _temp.Write("passwords", "not-it")));
        Assert.Contains(account.ToString(), error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-it", error.Message, StringComparison.Ordinal);
        Assert.Equal("--password", Assert.Throws<OptionsException>(() => AccountUnlock.Run(_keystore, ["0"], null)).Key);
    }
}
