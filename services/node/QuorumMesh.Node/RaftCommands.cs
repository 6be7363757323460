using System.CommandLine;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>The raft command: what is done to a stopped node's part of a cluster.</summary>
internal static class RaftCommands
{
    private const string Confirmation = "--yes-i-know-that-the-other-members-are-lost";

    public static Command Create(NodeCommandLine settings)
    {
        var members = new Option<ulong[]>("--members")
        {
            Description = "Raft ids of the members that are kept, beside this node (default: none; this node alone)",
            AllowMultipleArgumentsPerToken = true,
        };
        var who = new Option<string>("--who") { Description = "who decides it, for the record", Required = true };
        var why = new Option<string>("--why") { Description = "why, for the record", Required = true };
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "say what would be done, and do none of it (the store and the log are opened, which mends what a crash has left, "
            + "as a start does)"
        };
        var confirmed = new Option<bool>(Confirmation)
        {
            Description = "the others are lost for good, and will never be started again as "
            + "they were"
        };
        var recover = new Command("recover", "make a new configuration of a cluster that has lost most of its members for good, from this "
            + "stopped node's log") { members, who, why, dryRun, confirmed };
        settings.AddTo(recover);
        recover.SetAction(result => Recover(settings.Read(result), new Wish(result.GetValue(members) ?? [], Text(result, who),
            Text(result, why), result.GetValue(dryRun), result.GetValue(confirmed))));
        return new Command("raft", "what is done to a stopped node's part of a Raft cluster") { recover };
    }

    private static string Text(ParseResult result, Option<string> option)
    {
        const int longest = 1_000;
        var text = result.GetValue(option)!.Trim();
        return text.Length is > 0 and <= longest ? text
            : throw new OptionsException(option.Name, $"a text of at most {longest} characters is needed: it is kept with the chain");
    }

    private static int Recover(NodeSettings settings, Wish wish)
    {
        var data = DataDirectory.Open(settings.DataDirectory, settings.RaftLogDirectory);
        if (!Directory.Exists(data.ChainData)) throw new StartupException($"there is no chain in {data.Path}: name the data directory of "
            + "the node with --datadir");
        // Opening would make an empty one, and a start without its log is another thing than one with an empty log.
        if (!Directory.Exists(data.RaftLog)) throw new StartupException($"there is no Raft log in {data.RaftLog}: name the directory that "
            + "holds the node's raftlog with --raftlogdir, if it is not in the data directory");
        try
        {
            // Both are locked: a node that runs has them, and is not touched.
            using var stores = ChainOpener.Open(data, settings);
            using var disk = new FileRaftDisk(data.RaftLog);
            if (stores.Rules.Config.Engine != EngineKind.Raft) throw new StartupException($"the chain in {data.Path} is not Raft's");
            var id = RaftStart.IdOf(stores.KeyValues)
                ?? throw new StartupException($"the node of {data.Path} has never taken part in a Raft cluster");
            RaftLogOwner.Check(disk, nodeId: null, ChainStore.GetCanonicalHash(stores.KeyValues, 0)!.Value, id);
            using var log = new FileRaftLog(disk);
            return Recover(new RaftRecovery(stores.KeyValues, log, id), wish);
        }
        catch (RaftRecoveryException e)
        {
            throw new StartupException(e.Message);
        }
    }

    private static int Recover(RaftRecovery recovery, Wish wish)
    {
        var plan = recovery.Plan(wish.Members, wish.Who, wish.Why, (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        Console.WriteLine($"this node: raft id {plan.RaftId}, head block {plan.Head} ({plan.HeadHash})");
        Console.WriteLine($"its log ends at entry {plan.LastIndex} of term {plan.LastTerm}; {plan.Committed} are known to be committed, "
            + $"the {plan.LastIndex - plan.Committed} behind them are kept and count as committed too");
        Console.WriteLine($"members in term {plan.Term}: {string.Join(", ", plan.Kept)}; taken out for good: "
            + string.Join(", ", plan.Removed));
        if (wish.IsDryRun)
        {
            Console.WriteLine("nothing was changed. Of the survivors take the one whose log ends with the highest term and, among those, "
                + "the highest entry");
            return 0;
        }
        if (!wish.IsConfirmed)
            throw new StartupException($"nothing was changed: give {Confirmation}. If most of the others run, or are started again as they "
                + "were, there are two chains");
        recovery.Run(plan);
        Console.WriteLine("done, and recorded with the chain (raft_recoveries). Start this node; the others join again with raft_addPeer, "
            + "from empty data directories and under new ids");
        return 0;
    }

    private sealed record Wish(IReadOnlyCollection<ulong> Members, string Who, string Why, bool IsDryRun, bool IsConfirmed);
}
