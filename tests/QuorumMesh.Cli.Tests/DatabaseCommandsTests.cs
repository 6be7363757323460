using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Cli.Database;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

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

    [Fact]
    public void A_flipped_bit_in_a_nodes_write_ahead_log_is_broken()
    {
        string path = Path.Combine(_temp, "chaindata");
        using (var store = RocksKeyValueStore.Open(path))
        {
            GenesisStore.Initialise(store,
                """{ "alloc": {}, "config": { "chainId": 1337, "homesteadBlock": 0, "isQuorum": true }, "difficulty": "0x0", "gasLimit": "0xE0000000" }"""u8.ToArray(), profile: null);
            for (byte i = 0; i < 3; i++)
            {
                var batch = new KeyValueBatch();
                ChainStore.PutMeta(batch, "test", new byte[200]);
                store.Write(batch, sync: false);
            }
        }
        Assert.Equal(0, Run("verify", "--datadir", _temp));
        string log = Directory.GetFiles(path, "*.log").Single();
        byte[] bytes = File.ReadAllBytes(log);
        bytes[^300] ^= 1; // in the last write but one: what remains is a chain without a fault
        File.WriteAllBytes(log, bytes);
        Assert.Equal(1, Run("verify", "--datadir", _temp));
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
        DatabaseCommands.Create().Parse(arguments)
        .Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
