using System.Text.Json;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// Ours, in the form of <c>istanbul_explain</c>: <c>raft_explain</c> tells why there is no block, <c>raft_transferLeadership</c> hands
/// leadership over.
/// </summary>
internal sealed class RaftExplainApi(RaftNode raft) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("raft_explain", 0, ExplainAsync);
        table.AddAsync("raft_transferLeadership", 1, async call => call.Result.WriteNumberValue(
            await raft.TransferLeadershipAsync(call.Has(0) ? call.Number(0, ushort.MaxValue, "uint16") : null, call.Cancellation)
                .ConfigureAwait(false)));
    }

    private async ValueTask ExplainAsync(RpcCall call)
    {
        var (facts, verdict) = await raft.ExplainAsync(call.Cancellation).ConfigureAwait(false);
        var json = call.Result;
        json.WriteStartObject();
        json.WriteString("verdict", verdict.Verdict);
        json.WriteString("advice", verdict.Advice);
        json.WriteStartArray("reasons");
        foreach (var reason in verdict.Others.Prepend(verdict.Verdict)) json.WriteStringValue(reason);
        json.WriteEndArray();
        json.WriteNumber("raftId", facts.OwnId);
        json.WriteNumber("head", facts.Head);
        json.WriteNumber("privateHead", facts.Private.Block);
        json.WriteNumber("pendingWaitMs", facts.Progress.PendingWaitMs);
        json.WriteNumber("privateHeadWaitMs", facts.Progress.PrivateHeadWaitMs);
        json.WriteNumber("busyMs", (long)facts.Busy.TotalMilliseconds);
        json.WriteNumber("journalFlushMs", (long)facts.JournalFlush.TotalMilliseconds);
        if (facts.Report is { } report) WriteReport(json, report);
        json.WriteStartArray("members");
        foreach (var member in facts.View.Members) WriteMember(json, facts, member);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteReport(Utf8JsonWriter json, RaftReport report)
    {
        var core = report.Core;
        json.WriteString("state", State(core.Role));
        json.WriteNumber("term", core.Term);
        json.WriteNumber("leader", core.Leader);
        json.WriteNumber("quorum", core.Quorum);
        json.WriteBoolean("hasQuorum", core.HasQuorum);
        json.WriteBoolean("preVote", core.IsPreVoteOn);
        json.WriteNumber("lastIndex", core.LastIndex);
        json.WriteNumber("committed", core.Committed);
        json.WriteNumber("applied", core.Applied);
        json.WriteNumber("flushMs", Math.Round(report.FlushTime.TotalMilliseconds, 1));
        json.WriteNumber("pending", report.Pending);
        json.WriteNumber("proposed", report.Proposed);
        WriteMilliseconds(json, "nextBlockInMs", report.NextMintMs);
    }

    private static void WriteMember(Utf8JsonWriter json, RaftFacts facts, RaftAddress member)
    {
        var explained = facts.Report?.Core.Members.FirstOrDefault(m => m.Id == member.RaftId);
        json.WriteStartObject();
        json.WriteNumber("raftId", member.RaftId);
        json.WriteString("hostname", member.Host);
        json.WriteNumber("raftPort", member.RaftPort);
        json.WriteBoolean("self", member.RaftId == facts.OwnId);
        json.WriteString("role", Role(facts, member.RaftId));
        if (facts.Report is { } report && report.Heard.TryGetValue(member.RaftId, out var heard))
        {
            WriteMilliseconds(json, "heardMsAgo", heard.MillisecondsAgo);
            json.WriteString("lastMessage", heard.Kind);
        }
        if (facts.Links.TryGetValue(member.RaftId, out var link))
        {
            json.WriteNumber("streams", link.Streams);
            json.WriteBoolean("p2p", link.IsPeer);
            WriteMilliseconds(json, "roundTripMs", (long?)link.Probe?.RoundTrip.TotalMilliseconds);
            WriteMilliseconds(json, "clockDifferenceMs", (long?)link.Probe?.ClockDifference?.TotalMilliseconds);
        }
        if (explained is not null)
        {
            json.WriteStartArray("abilities");
            if (explained.HasAnnounced) json.WriteStringValue("prevote");
            json.WriteEndArray();
        }
        if (explained?.Sent is { } sent) WriteSent(json, sent);
        json.WriteEndObject();
    }

    private static void WriteSent(Utf8JsonWriter json, RaftSentExplanation sent)
    {
        json.WriteNumber("match", sent.Match);
        json.WriteNumber("next", sent.Next);
        json.WriteString("progress", sent.State);
        json.WriteNumber("inFlight", sent.InFlight);
        json.WriteBoolean("paused", sent.IsPaused);
    }

    private static string Role(RaftFacts facts, ulong id) =>
        facts.View.Leader == 0 ? "" : id == facts.View.Leader ? "minter" : facts.View.Learners.Contains(id) ? "learner" : "verifier";

    private static string State(RaftRole role) => role switch
    {
        RaftRole.Leader => "leader",
        RaftRole.Candidate => "candidate",
        RaftRole.PreCandidate => "pre-candidate",
        _ => "follower",
    };

    private static void WriteMilliseconds(Utf8JsonWriter json, string name, long? milliseconds)
    {
        if (milliseconds is { } some) json.WriteNumber(name, some);
        else json.WriteNull(name);
    }
}
