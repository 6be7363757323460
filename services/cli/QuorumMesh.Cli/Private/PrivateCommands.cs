using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace QuorumMesh.Cli.Private;

/// <summary>
/// <c>qmesh private</c>: the private side of a running node, over its IPC socket. The node does the work, because it alone may
/// move its heads; so none of this needs a stop.
/// </summary>
internal static class PrivateCommands
{
    private static readonly Option<string?> Directory = new("--datadir") { Description = "The node's data directory" };
    private static readonly Option<string?> Socket = new("--ipcpath")
    { Description = "The node's IPC socket (default: geth.ipc in the data directory)" };

    public static Command Create()
    {
        var command = new Command("private", "The private side of a running node: how it stands, and what an operator decides");
        command.Subcommands.Add(Status());
        command.Subcommands.Add(AcceptManager());
        command.Subcommands.Add(Rewind());
        command.Subcommands.Add(AskAgain());
        return command;
    }

    private static Command Status()
    {
        var status = With(new Command("status",
            "Both heads, what the private one waits for, the transaction manager's database, payloads that came late"));
        status.SetAction(async (r, cancel) =>
        {
            foreach (var line in Lines(await IpcClient.CallAsync(PathOf(r), "quorummesh_privateStatus", cancel).ConfigureAwait(false)))
                Console.WriteLine(line);
        });
        return status;
    }

    private static Command AcceptManager()
    {
        var force = new Option<bool>("--force") { Description = "Do not ask the manager first for every payload that the node has run" };
        var accept = With(new Command("accept-manager", "Go on with the transaction manager's database as it is now, after it was "
            + "replaced or set back; first it must show every payload that the node has run"));
        accept.Options.Add(force);
        accept.SetAction(async (r, cancel) =>
        {
            var found = await IpcClient.CallAsync(PathOf(r), "quorummesh_acceptManager", cancel, r.GetValue(force)).ConfigureAwait(false);
            Console.WriteLine(r.GetValue(force) ? "accepted without a look: what the manager lost reads 'not a party' from now on"
                : $"accepted: all {found} payloads that the node has run are there");
        });
        return accept;
    }

    private static Command AskAgain()
    {
        var blocks = new Option<ulong?>("--blocks") { Description = "Of how many of the last blocks (default: 10,000)" };
        var again = With(new Command("ask-again", "Ask the transaction manager again, now, for payloads that it did not know when their "
            + "blocks were run; blocks whose payloads came late are run again"));
        again.Options.Add(blocks);
        again.SetAction(async (r, cancel) =>
        {
            JsonNode? wanted = r.GetValue(blocks) is { } count ? "0x" + count.ToString("x", CultureInfo.InvariantCulture) : null;
            var look = await IpcClient.CallAsync(PathOf(r), "quorummesh_askAgain", cancel, wanted).ConfigureAwait(false);
            Console.WriteLine($"asked again for {look?["asked"]} payloads, {look?["found"]} of them came late and are run now");
            if (look?["problem"] is { } problem)
                throw new CommandException($"the look ended early: {problem}");
        });
        return again;
    }

    private static Command Rewind()
    {
        var block = new Option<ulong?>("--block")
        {
            Description = "Go back to the private state after this block (default: before the first block that a payload came late "
            + "for)"
        };
        var rewind = With(new Command("rewind",
            "Take the private state back, as far as it takes, and run the blocks behind it again with the payloads that are there now"));
        rewind.Options.Add(block);
        rewind.SetAction(async (r, cancel) =>
        {
            JsonNode? wanted = r.GetValue(block) is { } number ? "0x" + number.ToString("x", CultureInfo.InvariantCulture) : null;
            var to = await IpcClient.CallAsync(PathOf(r), "quorummesh_rewindPrivate", cancel, wanted).ConfigureAwait(false);
            Console.WriteLine($"the private state goes back to block {Number(to)}; 'qmesh private status' shows how it comes on");
        });
        return rewind;
    }

    /// <summary>The status for people, a line for each fact.</summary>
    internal static IEnumerable<string> Lines(JsonNode? status)
    {
        if (status is null) yield break;
        yield return $"public head {Number(status["head"])}, private head {Number(status["privateHead"])}";
        if (status["refusal"] is { } refusal) yield return $"STOPPED: {refusal}";
        if (status["waitingFor"] is { } payload)
            yield return $"waits for payload {payload}{(status["reason"] is { } reason ? $": {reason}" : "")}";
        yield return "database of the transaction manager: " + Database(status["acceptedDatabase"]);
        if (status["refusal"] is not null) yield return "it answers now from: " + Database(status["seenDatabase"]);
        if (status["firstLateBlock"] is { } late)
            yield return $"payloads that came too late to be run: {status["latePayloads"]}, the first for block {Number(late)} ('qmesh "
            + "private rewind' runs them)";
    }

    private static string Database(JsonNode? database) =>
        database is null ? "not told" : $"{database["id"]}, at record {database["watermark"]}";

    private static ulong Number(JsonNode? quantity) =>
        ulong.TryParse((quantity?.GetValue<string>() ?? "").Replace("0x", "", StringComparison.Ordinal), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static Command With(Command command)
    {
        command.Options.Add(Directory);
        command.Options.Add(Socket);
        return command;
    }

    private static string PathOf(ParseResult result) =>
        result.GetValue(Socket) ?? (result.GetValue(Directory) is { } directory ? Path.Combine(directory, "geth.ipc")
            : throw new CommandException("--datadir DIRECTORY of the node is needed, or --ipcpath SOCKET"));
}
