using QuorumMesh.Cli.Keys;
using QuorumMesh.Enclave.Keys;

namespace QuorumMesh.Cli.Tests;

public sealed class KeysCommandsTests : IDisposable
{
    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;

    public void Dispose() => Directory.Delete(_temp, recursive: true);

    [Fact]
    public void An_unlocked_key_is_one_that_an_enclave_reads()
    {
        Assert.Equal(0, Run("new", Path.Combine(_temp, "tm")));
        using var key = TesseraKeyFile.ReadPrivateKey(Path.Combine(_temp, "tm.key"));
        Assert.Equal(32, key.Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_temp, "tm.key")));
        Assert.Equal(44, TesseraKeyFile.ReadPublicKey(Path.Combine(_temp, "tm.pub")).ToString().Length);
    }

    /// <summary>The stretching itself, a GiB of memory, is the enclave's test; here its own small one.</summary>
    [Fact]
    public void A_key_is_locked_with_the_first_line_of_a_file()
    {
        var password = Write("password", "första\nsecond\n");
        var publicKey = TesseraKeyFile.GenerateLocked(Path.Combine(_temp, "tm"), password, new ArgonOptions(ArgonVariant.Id, 64, 1, 1));
        using var key = TesseraKeyFile.ReadPrivateKey(Path.Combine(_temp, "tm.key"), "första"u8);
        Assert.Equal(publicKey, TesseraKeyFile.ReadPublicKey(Path.Combine(_temp, "tm.pub")));
        Assert.Throws<KeyException>(() => TesseraKeyFile.ReadPrivateKey(Path.Combine(_temp, "tm.key"), "second"u8));
        Assert.Throws<KeyException>(() => TesseraKeyFile.ReadPrivateKey(Path.Combine(_temp, "tm.key")));
    }

    [Theory]
    [InlineData("there.key")]
    [InlineData("there.pub")]
    public void Nothing_is_overwritten(string file)
    {
        var there = Write(file, "mine");
        Assert.Contains("not overwritten", Assert.Throws<CommandException>(() => Run("new", Path.Combine(_temp, "there.key"))).Message,
            StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(there));
        Assert.Equal([there], Directory.GetFiles(_temp));
    }

    [Fact]
    public void Refusals_say_what_to_do()
    {
        Assert.Contains("make it first", Assert.Throws<CommandException>(() => Run("new", Path.Combine(_temp, "none", "tm"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("names no file", Assert.Throws<CommandException>(() => Run("new", _temp + "/")).Message, StringComparison.Ordinal);
        Assert.Contains("no file",
            Assert.Throws<CommandException>(() => Run("new", Path.Combine(_temp, "tm"), "--password-file", Path.Combine(_temp, "none")))
            .Message, StringComparison.Ordinal);
        Assert.Contains("is empty",
            Assert.Throws<CommandException>(() => Run("new", Path.Combine(_temp, "tm"), "--password-file", Write("empty", "\nlater\n")))
            .Message, StringComparison.Ordinal);
        Assert.Equal(["empty"], Directory.GetFiles(_temp).Select(Path.GetFileName));
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_temp, name), text);
        return Path.Combine(_temp, name);
    }

    private static int Run(params string[] arguments) =>
        KeysCommands.Create().Parse(arguments)
        .Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
