using System.CommandLine;
using QuorumMesh.Node.FlagGroups;

namespace QuorumMesh.Deploy.Tests;

/// <summary>docs/reference says what the programs take; <c>QUORUMMESH_WRITE_REFERENCE=1</c> (<c>make reference</c>) writes it.</summary>
public sealed class ReferenceTests
{
    private const string WriteVariable = "QUORUMMESH_WRITE_REFERENCE";

    private const string NodeText = """
        Runs a node. Each option is an environment variable too; the command line wins. Options of GoQuorum that have no effect here, or
        are refused, are not listed: each says so at the start ("From GoQuorum" in [operations.md](../operations.md)).
        """;

    private const string ManagerText = """
        Runs a transaction manager with Tessera's configuration file. `QUORUMMESH_TXMANAGER_CONFIGFILE`, `…_HEALTH_URL`, `…_GRPC` and
        `…_ENCLAVE` stand for the options of these names. Tessera's spellings `-configfile`, `-o`, `--path value` are taken. What the file
        holds is in [operations.md](../operations.md), "From Tessera" and "Between managers".
        """;

    private const string EnclaveText = """
        Runs an enclave. `QUORUMMESH_ENCLAVE_CONFIGFILE`, `…_LISTEN`, `…_HEALTH_URL`, `…_TLS_CERT`, `…_TLS_KEY` and `…_MANAGER_CERT` stand
        for the options of these names. Where keys may be is in [keys.md](../keys.md).
        """;

    /// <summary>Those that have a variable: what a subcommand alone takes has none.</summary>
    private static readonly Lazy<HashSet<string>> NodeOptions = new(() =>
        [.. Node.NodeCommands.Create().Options.Where(o => !o.Hidden).Select(o => o.Name)]);

    [Fact]
    public void The_reference_of_the_node_is_what_it_takes() => Check(
        "quorummesh-node", Node.NodeCommands.Create(), NodeText,
        name => NodeOptions.Value.Contains(name) ? FlagList.VariableOf(name) : null);

    [Fact]
    public void The_reference_of_the_manager_is_what_it_takes() => Check(
        "quorummesh-txmanager",
        TxManager.CommandLine.Create((_, _) => Task.FromResult(0), (_, _) => 0, (_, _, _, _) => Task.FromResult(0)),
        ManagerText, _ => null);

    [Fact]
    public void The_reference_of_the_enclave_is_what_it_takes() => Check(
        "quorummesh-enclave", Enclave.CommandLine.Create((_, _) => Task.FromResult(0)), EnclaveText, _ => null);

    [Fact]
    public void The_reference_of_qmesh_is_what_it_takes() => Check(
        "qmesh", Cli.CliCommands.Create(), "The tool of operators and developers: networks, keys, checks.", _ => null);

    private static void Check(string program, RootCommand root, string introduction, Func<string, string?> variable)
    {
        var page = Reference.Page(root, program, introduction, variable);
        var path = $"docs/reference/{program}.md";
        if (Environment.GetEnvironmentVariable(WriteVariable) is "1")
        {
            Directory.CreateDirectory(RepositoryFiles.At("docs/reference"));
            File.WriteAllText(RepositoryFiles.At(path), page);
        }
        Assert.True(page == RepositoryFiles.Read(path), $"{path} is not what {program} takes: run make reference");
    }
}
