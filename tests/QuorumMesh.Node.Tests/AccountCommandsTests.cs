using System.Diagnostics;
using System.Text.RegularExpressions;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>The account commands in a process of their own, as scripts run them.</summary>
public sealed class AccountCommandsTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_new_account_opens_with_the_first_line_of_the_password_file()
    {
        var password = _temp.Write("password", "secret\r\nother\n");
        var (code, output, _) = await RunAsync("", "account", "new", "--lightkdf", "--datadir", _temp.File("data"), "--password", password);
        Assert.Equal(0, code);
        var address = Address.Parse(Regex.Match(output, @"^Public address of the key:   (0x[0-9a-fA-F]{40})$", RegexOptions.Multiline)
            .Groups[1].Value);
        var file = Regex.Match(output, @"^Path of the secret key file: (.+)$", RegexOptions.Multiline).Groups[1].Value;
        Assert.Equal(_temp.File("data/keystore"), Path.GetDirectoryName(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(file)!));
        using var keystore = new KeystoreManager(_temp.File("data/keystore"));
        Assert.True(keystore.Unlock(address, "secret"));
        Assert.DoesNotContain("secret\r", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_temp.File("data/chaindata")), "no chain is begun");
    }

    [Fact]
    public async Task The_password_is_read_twice_where_no_file_is_named()
    {
        Assert.Equal(0, (await RunAsync("one\none\n", "account", "new", "--lightkdf", "--keystore", _temp.File("keys"))).Code);
        var (code, _, errors) = await RunAsync("one\nother\n", "account", "new", "--lightkdf", "--keystore", _temp.File("keys"));
        Assert.Equal((2, true), (code, errors.Contains("the two passwords differ", StringComparison.Ordinal)));
        Assert.Contains("--password", (await RunAsync("", "account", "new", "--lightkdf", "--keystore", _temp.File("keys"))).Errors,
            StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_temp.File("keys")));
    }

    [Fact]
    public async Task A_key_is_imported_once_and_listed()
    {
        var (key, password) = (_temp.Write("key", new string('1', 64) + "\n"), _temp.Write("password", ""));
        string[] import = ["account", "import", key, "--lightkdf", "--keystore", _temp.File("keys"), "--password", password];
        const string address = "19e7e376e7c213b7e7e7e46cc70a5dd086daff2a";
        Assert.Contains($"Address: {{{address}}}", (await RunAsync("", import)).Output, StringComparison.Ordinal);
        Assert.Contains("account already exists", (await RunAsync("", import)).Errors, StringComparison.Ordinal);
        var listed = (await RunAsync("", "account", "list", "--keystore", _temp.File("keys"))).Output;
        Assert.Equal($"Account #0: {{{address}}} keystore://{Directory.GetFiles(_temp.File("keys")).Single()}", listed.Trim());
        Assert.Contains("64 hex digits",
            (await RunAsync("", "account", "import", password, "--password", password, "--keystore", _temp.File("keys"))).Errors,
            StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "quorummesh-node.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output, await errors);
    }
}
