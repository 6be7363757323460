using System.CommandLine;
using QuorumMesh.Chain;
using QuorumMesh.Node.Storage;
using QuorumMesh.State;

namespace QuorumMesh.Cli.Database;

/// <summary><c>qmesh db</c>: what looks at a node's stored chain.</summary>
internal static class DatabaseCommands
{
    public static Command Create()
    {
        var directory = new Option<string>("--datadir") { Description = "The node's data directory", Required = true };
        var verify = new Command("verify", "Check every stored block, receipt, index, account, slot, trie node and reverse diff; the exit code tells");
        verify.Options.Add(directory);
        verify.SetAction(r => Verify(r.GetValue(directory)!));
        var command = new Command("db", "Look at a node's database");
        command.Subcommands.Add(verify);
        return command;
    }

    /// <summary>Reads only. A running node's chain is seen as it was when the check began.</summary>
    private static int Verify(string directory)
    {
        string path = Path.Combine(directory, "chaindata");
        if (!Directory.Exists(path)) throw new CommandException($"there is no chain in {directory}: --datadir names the directory given to quorummesh-node");
        try
        {
            using var store = RocksKeyValueStore.OpenReadOnly(path);
            string[] faults = [.. ChainVerifier.Verify(store), .. StateVerifier.Verify(store, "public"), .. StateVerifier.Verify(store, ChainStore.PrivateStateId), .. StateVerifier.Verify(store, ChainStore.ReplayStateId)];
            foreach (string fault in faults) Console.WriteLine("BROKEN " + fault);
            ulong head = faults.Length == 0 ? ChainStore.GetPublicHead(store)!.Value.Number : 0;
            Console.WriteLine(faults.Length == 0 ? $"all is well up to block {head}" : $"{faults.Length} faults; restore the directory from a backup, or remove it and let the node fetch the chain again");
            return faults.Length == 0 ? 0 : 1;
        }
        catch (StoreException e)
        {
            throw new CommandException(e.Message);
        }
    }
}
