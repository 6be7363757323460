using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// What an operator asks of the private side: <c>qmesh private</c> calls it over the IPC socket. Over HTTP and WebSocket it is
/// closed unless the namespace is named.
/// </summary>
internal sealed class PrivateSideApi(INode node) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("quorummesh_privateStatus", 0, StatusAsync);
        table.AddAsync("quorummesh_acceptManager", 1, AcceptAsync);
        table.AddAsync("quorummesh_rewindPrivate", 1, RewindAsync);
        table.AddAsync("quorummesh_askAgain", 1, AskAgainAsync);
    }

    private async ValueTask StatusAsync(RpcCall call)
    {
        var report = await node.PrivateSide.ReportAsync(call.Cancellation).ConfigureAwait(false);
        var json = call.Result;
        json.WriteStartObject();
        json.Quantity("head"u8, report.Head);
        json.Quantity("privateHead"u8, report.PrivateHead);
        json.WriteString("waitingFor", report.WaitingFor?.ToString());
        json.WriteString("reason", report.Reason);
        json.WriteString("refusal", report.Refusal);
        WriteDatabase(call, "acceptedDatabase", report.Accepted);
        WriteDatabase(call, "seenDatabase", report.Seen);
        json.WriteNumber("latePayloads", report.LatePayloads);
        if (report.FirstLateBlock is { } block) json.Quantity("firstLateBlock"u8, block);
        json.WriteEndObject();
    }

    /// <summary>Without force every payload that this node has run must be there.</summary>
    private async ValueTask AcceptAsync(RpcCall call)
    {
        var force = call.Has(0) && call.Bool(0);
        var found = force ? new ManagerCheck(0, 0, []) : await node.PrivateSide.CheckManagerAsync(call.Cancellation).ConfigureAwait(false);
        if (found.LostCount > 0)
            throw new RpcException($"the transaction manager lacks {found.LostCount} of the {found.Checked} payloads that this node has "
                + $"run, {string.Join(", ", found.Lost)} among them: have the other parties resend, or accept it as it is with --force");
        try
        {
            await node.PrivateSide.AcceptManagerAsync(call.Cancellation).ConfigureAwait(false);
        }
        catch (InvalidOperationException e)
        {
            throw new RpcException(e.Message);
        }
        call.Result.WriteNumberValue(found.Checked);
    }

    private async ValueTask RewindAsync(RpcCall call)
    {
        ulong? block = call.Has(0) ? call.Quantity(0) : null;
        try
        {
            call.Result.Quantity(await node.PrivateSide.RewindAsync(block, call.Cancellation).ConfigureAwait(false));
        }
        catch (InvalidOperationException e)
        {
            throw new RpcException(e.Message);
        }
    }

    /// <summary>For payloads that the manager did not know when their blocks were run; with how many of the last blocks.</summary>
    private async ValueTask AskAgainAsync(RpcCall call)
    {
        ulong? blocks = call.Has(0) ? call.Quantity(0) : null;
        var look = await node.PrivateSide.AskAgainAsync(blocks, call.Cancellation).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.WriteNumber("asked", look.Asked);
        call.Result.WriteNumber("found", look.Found);
        call.Result.WriteString("problem", look.Problem);
        call.Result.WriteEndObject();
    }

    private static void WriteDatabase(RpcCall call, string name, KnownDatabase? database)
    {
        if (database is null) return;
        call.Result.WriteStartObject(name);
        call.Result.WriteString("id", database.Id);
        call.Result.WriteNumber("watermark", database.Watermark);
        call.Result.WriteEndObject();
    }
}
