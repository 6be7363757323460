using QuorumMesh.Cli.Database;

namespace QuorumMesh.Cli.Tests;

public sealed class DatabaseCommandsTests : IDisposable
{
    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;

    public void Dispose() => Directory.Delete(_temp, recursive: true);

    [Fact]
    public void One_of_the_two_stores_is_named()
    {
        var e = Assert.Throws<CommandException>(() => Run("verify"));
        Assert.Contains("--datadir", e.Message, StringComparison.Ordinal);
        Assert.Contains("--manager", e.Message, StringComparison.Ordinal);
        Assert.Contains(_temp, Assert.Throws<CommandException>(() => Run("verify", "--datadir", _temp)).Message, StringComparison.Ordinal);
    }

    /// <summary>A stand-in for the manager's program: it keeps its arguments and ends as it is told.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void The_managers_program_checks_its_store_and_its_exit_code_is_ours(int code)
    {
        var program = Path.Combine(_temp, "program");
        File.WriteAllText(program, $"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{_temp}/arguments'\nexit {code}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal(code, DatabaseCommands.VerifyManager(program, "a b.json"));
        Assert.Equal(["verify", "-configfile", "a b.json"], File.ReadAllLines(Path.Combine(_temp, "arguments")));
    }

    private static int Run(params string[] arguments) =>
        DatabaseCommands.Create().Parse(arguments).Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
