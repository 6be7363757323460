using System.Globalization;
using System.Text;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>
/// A cluster under the commands of a scenario. Nothing happens by itself but what a command names: messages wait until they are delivered,
/// clocks stand until they tick. What a member is to write it writes at once; every election wait is the shortest plus the member's number.
/// </summary>
internal sealed class RaftScenarioNetwork
{
    private readonly SortedDictionary<ulong, RaftTestMember> _members = [];
    private readonly List<RaftMessage> _wire = [];
    private readonly HashSet<(ulong From, ulong To)> _cut = [];
    private readonly StringBuilder _output = new();
    private Func<RaftConfig, RaftConfig> _configure = static c => c;

    /// <summary>Carries out one command; what came of it, where every member stands, and what is on the wire.</summary>
    public string Run(string command)
    {
        _output.Clear();
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (verb, arguments) = (words[0], words[1..]);
        switch (verb)
        {
            case "network": Open(arguments); break;
            case "campaign": ForEach(arguments, m => m.Core.Campaign()); break;
            case "tick": Tick(arguments); break;
            case "propose": Tell(Member(arguments[0]).Core.Propose(Encoding.ASCII.GetBytes(arguments[1]))); break;
            case "change": Tell(Member(arguments[0]).Core.ProposeConfChange(ChangeOf(arguments[1], Id(arguments[2])))); break;
            case "transfer": Member(arguments[0]).Core.TransferLeadership(Id(arguments[1])); break;
            case "deliver": Deliver(arguments); break;
            case "lose": _wire.RemoveAll(m => Matches(m, arguments)); break;
            case "settle": Settle(); break;
            case "cut": Cut(arguments, (from, to) => _cut.Add((from, to))); break;
            case "heal": _cut.Clear(); break;
            case "restart": ForEach(arguments, m => m.Restart()); break;
            case "snapshot": ForEach(arguments, Snapshot); break;
            case "join": Join(Id(arguments[0])); break;
            default: throw new FormatException($"no such command: {verb}");
        }
        Collect();
        return _output + string.Concat(_members.Values.Select(m => Describe(m) + "\n"))
            + $"on the wire: {(_wire.Count == 0 ? "nothing" : string.Join("; ", _wire.Select(Describe)))}\n";
    }

    private static ulong Id(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);

    private RaftTestMember Member(string name) => _members[Id(name)];

    private void Open(string[] arguments)
    {
        var knowsPreVote = arguments.Contains("prevote");
        if (knowsPreVote) _configure = static c => c with { PreVote = true };
        var peers = Enumerable.Range(1, int.Parse(arguments[0], CultureInfo.InvariantCulture))
            .Select(i => new RaftPeer((ulong)i, [(byte)i])).ToArray();
        foreach (var peer in peers) _members[peer.Id] = new RaftTestMember(peer.Id, peers, _configure);
        if (!knowsPreVote) return;
        foreach (var member in _members.Values)
            foreach (var other in _members.Keys) member.Core.Announce(other, preVote: true);
    }

    private void Join(ulong id)
    {
        var joining = new RaftTestMember(id, null, _configure);
        foreach (var other in _members.Keys) joining.Core.Introduce(other);
        _members[id] = joining;
    }

    private void ForEach(string[] names, Action<RaftTestMember> action)
    {
        foreach (var member in names is ["all"] ? [.. _members.Values] : names.Select(Member).ToList()) action(member);
    }

    private void Tick(string[] arguments)
    {
        for (var i = int.Parse(arguments[^1], CultureInfo.InvariantCulture); i > 0; i--)
        {
            ForEach(arguments[..^1], m => m.Core.Tick());
            Collect();
        }
    }

    private void Tell(bool isTaken) => _output.Append(isTaken ? "taken\n" : "not taken\n");

    private static RaftConfChange ChangeOf(string kind, ulong id) => new(0, kind switch
    {
        "add" => RaftConfChangeType.AddNode,
        "learner" => RaftConfChangeType.AddLearnerNode,
        "remove" => RaftConfChangeType.RemoveNode,
        _ => throw new FormatException($"no such change: {kind}"),
    }, id, []);

    /// <summary>Those on the wire now; what they cause waits.</summary>
    private void Deliver(string[] arguments)
    {
        Collect();
        var due = _wire.Where(m => Matches(m, arguments)).ToList();
        foreach (var message in due)
        {
            _wire.Remove(message);
            if (_cut.Contains((message.From, message.To)) || !_members.TryGetValue(message.To, out var to)) continue;
            var refusal = to.Core.Step(message);
            if (refusal == RaftRefusal.None) continue;
            _output.Append(CultureInfo.InvariantCulture, $"{to.Id}: refuses {Describe(message)}: {refusal.Name()}\n");
        }
    }

    private void Settle()
    {
        for (var round = 0; round < 1_000; round++)
        {
            Collect();
            if (_wire.Count == 0) return;
            Deliver([]);
        }
        throw new InvalidOperationException("the messages do not come to an end");
    }

    private void Cut(string[] names, Action<ulong, ulong> cut)
    {
        foreach (var name in names)
            foreach (var other in _members.Keys.Where(o => o != Id(name)))
            {
                cut(Id(name), other);
                cut(other, Id(name));
            }
    }

    /// <summary>Of everything applied; and the log forgets what is before it.</summary>
    private static void Snapshot(RaftTestMember member)
    {
        var applied = member.Core.Applied;
        member.Log.CreateSnapshot(applied, member.Core.ConfState, []);
        member.Log.Compact(applied);
    }

    private void Collect()
    {
        foreach (var member in _members.Values) _wire.AddRange(member.Drain());
    }

    private static bool Matches(RaftMessage m, string[] wanted) => wanted.All(w => w.Split("->") is [var from, var to]
        ? m.From == Id(from) && m.To == Id(to) : m.Type.ToString() == w);

    private static string Describe(RaftMessage m)
    {
        var entries = m.Entries.Count == 0 ? "" : " [" + string.Join(" ", m.Entries.Select(Describe)) + "]";
        var reject = m.Reject ? " no" : "";
        var at = m.Type switch
        {
            RaftMessageType.App => $" after {m.Index}.{m.LogTerm}{entries} commit {m.Commit}",
            RaftMessageType.AppResp => $" {m.Index}{reject}",
            RaftMessageType.Vote or RaftMessageType.PreVote => $" log {m.Index}.{m.LogTerm}{(m.Context is null ? "" : " by transfer")}",
            RaftMessageType.VoteResp or RaftMessageType.PreVoteResp => m.Reject ? " no" : " yes",
            RaftMessageType.Heartbeat => $" commit {m.Commit}",
            RaftMessageType.Snap => $" at {m.Snapshot!.Index}.{m.Snapshot.Term}",
            _ => entries,
        };
        return $"{m.From}->{m.To} {m.Type} t{m.Term}{at}";
    }

    private static string Describe(RaftEntry entry) => $"{entry.Index}.{entry.Term}" + (entry.Type == RaftEntryType.ConfChange
        ? $":{Describe(RaftWire.DecodeConfChange(entry.Data))}" : entry.Data.Length == 0 ? "" : ":" + Encoding.ASCII.GetString(entry.Data));

    private static string Describe(RaftConfChange change) => change.Type switch
    {
        RaftConfChangeType.AddNode => $"+{change.NodeId}",
        RaftConfChangeType.AddLearnerNode => $"~{change.NodeId}",
        _ => $"-{change.NodeId}",
    };

    private static string Describe(RaftTestMember member)
    {
        var (core, log) = (member.Core, member.Log);
        var stands = core.Explain();
        var role = core.IsLearner ? "learner" : core.Role.ToString().ToLowerInvariant();
        var entries = log.FirstIndex > log.LastIndex ? "" : string.Join(" ", log.Entries(log.FirstIndex, log.LastIndex + 1, ulong.MaxValue)
            .Select(Describe));
        var begin = log.FirstIndex > 1 ? $"…{log.FirstIndex - 1} " : "";
        var sent = string.Join(" ", stands.Members.Where(m => m.Sent is not null).Select(m =>
            $"{m.Id}:{m.Sent!.Match}/{m.Sent.Next}{m.Sent.State[0]}{(m.Sent.IsPaused ? "!" : "")}"));
        return $"  {member.Id} {role} t{core.Term} vote {core.Hard.Vote} leader {core.Leader} of {string.Join(",", core.ConfState.Voters)}"
            + $" log {begin}[{entries}] commit {core.Committed} applied {core.Applied}{(sent.Length == 0 ? "" : $" knows {sent}")}"
            + (core.TransferTarget == 0 ? "" : $" hands over to {core.TransferTarget}");
    }
}
