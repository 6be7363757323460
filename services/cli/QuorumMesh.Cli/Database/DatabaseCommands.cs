using System.CommandLine;
using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Cli.Network;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.State;
using QuorumMesh.State.Store;

namespace QuorumMesh.Cli.Database;

/// <summary><c>qmesh db</c>: what looks at stored chains and payloads.</summary>
internal static class DatabaseCommands
{
    public static Command Create()
    {
        var directory = new Option<string?>("--datadir") { Description = "The node's data directory" };
        var manager = new Option<string?>("--manager")
        { Description = "The transaction manager's configuration file: its payload store is checked" };
        var verify = new Command("verify", "Check every stored block, receipt, index, account, slot, trie node and reverse diff, or every "
            + "row of a manager's store; the exit code tells");
        verify.Options.Add(directory);
        verify.Options.Add(manager);
        verify.SetAction(r => Verify(r.GetValue(directory), r.GetValue(manager)));
        var command = new Command("db", "Look at the database of a node or of a transaction manager");
        command.Subcommands.Add(verify);
        return command;
    }

    private static int Verify(string? directory, string? manager)
    {
        if (directory is null && manager is null)
            throw new CommandException("--datadir DIRECTORY of a node is needed, or --manager FILE, a transaction manager's configuration");
        int code = directory is null ? 0 : VerifyNode(directory);
        return manager is null ? code : Math.Max(code, VerifyManager(Programs.TxManager, manager));
    }

    /// <summary>The manager's own program looks: it has the database's drivers and reads the configuration, passwords included.</summary>
    internal static int VerifyManager(string program, string configFile)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false };
        foreach (string argument in new[] { "verify", "-configfile", configFile }) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new CommandException($"{program} could not be started");
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string Describe(RaftRecoveryRecord record) =>
        $"{(record.IsDone ? "recovered" : "UNFINISHED recovery")} {DateTimeOffset.FromUnixTimeSeconds((long)record.UnixSeconds):u}: "
        + $"{record.Who} took raft ids {string.Join(", ", record.Removed)} out and kept {string.Join(", ", record.Kept)}, from the log of "
        + $"{record.RaftId} at entry {record.LastIndex} ({record.Committed} known to be committed), block {record.Head}: {record.Why}";

    /// <summary>Reads only. A running node's chain is seen as it was when the check began.</summary>
    private static int VerifyNode(string directory)
    {
        string path = Path.Combine(directory, "chaindata");
        if (!Directory.Exists(path))
            throw new CommandException($"there is no chain in {directory}: --datadir names the directory given to quorummesh-node");
        try
        {
            using var store = RocksKeyValueStore.OpenReadOnly(path);
            string[] faults = [.. store.FindLogFaults(), .. ChainVerifier.Verify(store), .. StateVerifier.Verify(store, "public"),
                .. StateVerifier.Verify(store, ChainStore.PrivateStateId), .. StateVerifier.Verify(store, ChainStore.ReplayStateId)];
            foreach (string fault in faults) Console.WriteLine("BROKEN " + fault);
            foreach (RaftRecoveryRecord record in RaftRecoveryRecord.All(store)) Console.WriteLine(Describe(record));
            ulong head = faults.Length == 0 ? ChainStore.GetPublicHead(store)!.Value.Number : 0;
            Console.WriteLine(faults.Length == 0 ? $"all is well up to block {head}"
                : $"{faults.Length} faults; restore the directory from a backup, or remove it and let the node fetch the chain again");
            return faults.Length == 0 ? 0 : 1;
        }
        catch (StoreException e)
        {
            throw new CommandException(e.Message);
        }
    }
}
