using System.Globalization;
using System.Text.Json;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// The votes of this validator (GoQuorum consensus/istanbul/backend/api.go), and why there is no block: <c>istanbul_explain</c> is ours.
/// </summary>
internal sealed class IstanbulVotingApi(BftNode bft) : IRpcApi
{
    private const int MostHeldShown = 100;

    public void Register(RpcMethodTable table)
    {
        table.Add("istanbul_candidates", 0, Candidates);
        table.AddAsync("istanbul_propose", 2, ProposeAsync);
        table.AddAsync("istanbul_discard", 1, DiscardAsync);
        table.AddAsync("istanbul_explain", 0, ExplainAsync);
    }

    private void Candidates(RpcCall call)
    {
        call.Result.WriteStartObject();
        foreach (var (candidate, authorize) in bft.Standing.Candidates.OrderBy(c => c.Key))
            call.Result.WriteBoolean(candidate.ToString(), authorize);
        call.Result.WriteEndObject();
    }

    private async ValueTask ProposeAsync(RpcCall call)
    {
        await bft.ChangeVoteAsync(call.Address(0), call.Bool(1), call.Cancellation).ConfigureAwait(false);
        call.Result.WriteNullValue();
    }

    private async ValueTask DiscardAsync(RpcCall call)
    {
        await bft.ChangeVoteAsync(call.Address(0), authorize: null, call.Cancellation).ConfigureAwait(false);
        call.Result.WriteNullValue();
    }

    private async ValueTask ExplainAsync(RpcCall call)
    {
        var report = await bft.ExplainAsync(call.Cancellation).ConfigureAwait(false);
        var (standing, explanation) = (report.Standing, report.Explanation);
        var json = call.Result;
        json.WriteStartObject();
        json.WriteNumber("height", standing.Height);
        json.WriteNumber("round", standing.Round);
        json.WriteBoolean("isValidator", standing.IsValidator);
        json.WriteNumber("reachable", standing.Reachable);
        if (explanation is not null) WriteRound(json, explanation);
        json.WriteStartArray("reasons");
        foreach (var reason in Reasons(report)) json.WriteStringValue(reason);
        json.WriteEndArray();
        json.WriteStartArray("heldBack");
        foreach (var held in report.Held.Take(MostHeldShown)) WriteHeld(json, held);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static IEnumerable<string> Reasons(BftReport report)
    {
        var standing = report.Standing;
        IReadOnlyList<string> ofMachine = report.Explanation?.Reasons ?? ["the node is starting"];
        if (report.Slow is { } slow) ofMachine = [slow, .. ofMachine];
        if (report.Held.Count > 0) ofMachine = [.. ofMachine, HeldText(report)];
        if (report.Flush is { } flush) ofMachine = [.. ofMachine, flush];
        return standing.Silence is { } silence && !ofMachine.Any(r => r.Contains(silence, StringComparison.Ordinal))
            ? ofMachine.Prepend(silence) : ofMachine;
    }

    private static string HeldText(BftReport report) => string.Create(CultureInfo.InvariantCulture,
        $"{report.Held.Count} of the pool's transactions took longer than a block of this node may take, and wait, with what their senders "
            + $"have sent since: heldBack has them, and the next is tried from block {report.Held[0].NextBlock} on");

    private static void WriteHeld(Utf8JsonWriter json, HeldTransaction held)
    {
        json.WriteStartObject();
        json.Value("hash"u8, held.Hash);
        json.Value("from"u8, held.Sender);
        json.WriteNumber("nonce", held.Nonce);
        json.WriteNumber("tries", held.Tries);
        json.WriteNumber("nextBlock", held.NextBlock);
        json.WriteEndObject();
    }

    private static void WriteRound(Utf8JsonWriter json, BftExplanation explanation)
    {
        json.WriteNumber("quorum", explanation.Quorum);
        json.Value("proposer"u8, explanation.Proposer);
        json.WriteBoolean("proposed", explanation.IsProposed);
        if (explanation.Locked is { } locked) json.Value("lockedBlock"u8, locked);
        else json.WriteNull("lockedBlock");
        if (explanation.LockedIn is { } round) json.WriteNumber("lockedRound", round);
        else json.WriteNull("lockedRound");
        WriteMilliseconds(json, "roundEndsInMs", explanation.RoundEndsIn);
        json.WriteStartArray("validators");
        foreach (var validator in explanation.Validators) WriteValidator(json, validator);
        json.WriteEndArray();
    }

    private static void WriteValidator(Utf8JsonWriter json, BftValidatorExplanation validator)
    {
        json.WriteStartObject();
        json.Value("address"u8, validator.Validator);
        json.WriteBoolean("self", validator.IsSelf);
        json.WriteBoolean("connected", validator.IsConnected);
        WriteMilliseconds(json, "heardMsAgo", validator.HeardAgo);
        json.WriteString("lastMessage", validator.LastKind);
        if (validator.LastView is { } view)
        {
            json.WriteNumber("lastHeight", view.Sequence);
            json.WriteNumber("lastRound", view.Round);
        }
        if (validator.RoundChange is { } asked) json.WriteNumber("roundChange", asked);
        json.WriteBoolean("prepared", validator.HasPrepared);
        json.WriteBoolean("committed", validator.HasCommitted);
        json.WriteEndObject();
    }

    private static void WriteMilliseconds(Utf8JsonWriter json, string name, TimeSpan? time)
    {
        if (time is { } some) json.WriteNumber(name, (long)some.TotalMilliseconds);
        else json.WriteNull(name);
    }
}
