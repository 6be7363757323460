using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Leadership on its way to another member: asked for by operators, and before this node stops. One member after the other is asked to take
/// over, each for an election timeout, until another leads. Owned by the writer loop, which observes it at each tick.
/// </summary>
internal sealed class RaftHandover
{
    /// <summary>All attempts together, in milliseconds: a stop does not wait longer.</summary>
    public const long WaitMs = 1_500;

    private const int MaxWaiting = 16;

    private readonly List<Reply<ulong>> _waiting = [];
    private readonly Queue<ulong> _candidates = [];
    private ulong? _wanted;
    private long _until;

    /// <param name="target">Null for whoever can take over at once.</param>
    public void Ask(RaftCore core, ulong? target, Reply<ulong> answer, NodeTime now, ConsensusOutputs outputs)
    {
        try
        {
            if (Settled(core, target) is { } leader) outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Of<ulong>(answer, leader)));
            else Begin(core, target, answer, now);
        }
        catch (RaftMembershipException e)
        {
            outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Refusal<ulong>(answer, e)));
        }
    }

    /// <summary>Answers when another leads, and asks the next member when one has not taken over.</summary>
    public void Observe(RaftCore core, NodeTime now, ConsensusOutputs outputs)
    {
        if (_waiting.Count == 0) return;
        if (!core.IsLeader && core.Leader != 0)
        {
            var other = _wanted is { } wanted && wanted != core.Leader ? $"raft id {core.Leader} leads now, and not {wanted}" : null;
            End(outputs, to => other is null ? new NodeAnswer.Of<ulong>(to, core.Leader) : Refusal(to, other));
        }
        else if (now.Milliseconds >= _until || (core.IsLeader && core.TransferTarget == 0 && !TryNext(core)))
        {
            var standing = core.IsLeader ? "this node leads on" : "no leader is known yet";
            End(outputs, to => Refusal(to, $"no other member has taken over within {WaitMs} ms: {standing}"));
        }
    }

    /// <returns>Who leads, when there is nothing to hand over; null when there is.</returns>
    private static ulong? Settled(RaftCore core, ulong? target)
    {
        if (target is { } id)
        {
            if (!core.HasMember(id)) throw new RaftMembershipException($"raft id {id} is no member: raft_cluster lists them");
            if (core.ConfState.Learners.Contains(id)) throw new RaftMembershipException($"raft id {id} is a learner: promote it first");
        }
        if (core.IsLeader) return target == core.Id ? core.Id : null;
        if (core.Leader == 0) throw new RaftMembershipException("no leader is currently elected");
        return target is null || target == core.Leader ? core.Leader
            : throw new RaftMembershipException($"this node does not lead: ask raft id {core.Leader}, which does");
    }

    private void Begin(RaftCore core, ulong? target, Reply<ulong> answer, NodeTime now)
    {
        if (_waiting.Count >= MaxWaiting) throw new RaftMembershipException("leadership is being handed over: try again");
        if (_waiting.Count > 0 && target is not null && target != _wanted)
            throw new RaftMembershipException("leadership is being handed over to another member: try again");
        if (_waiting.Count == 0)
        {
            (_wanted, _until) = (target, now.Milliseconds + WaitMs);
            _candidates.Clear();
            foreach (var id in target is { } only ? [only] : core.TransferCandidates()) _candidates.Enqueue(id);
            if (!TryNext(core))
                throw new RaftMembershipException("no other voting member is heard with its log close to this one: this node leads on");
        }
        _waiting.Add(answer);
    }

    private bool TryNext(RaftCore core)
    {
        while (_candidates.TryDequeue(out var next))
        {
            core.TransferLeadership(next);
            if (core.TransferTarget == next) return true;
        }
        return false;
    }

    private void End(ConsensusOutputs outputs, Func<Reply<ulong>, NodeAnswer> answer)
    {
        foreach (var waiting in _waiting) outputs.Add(new ConsensusOutput.Answer(answer(waiting)));
        _waiting.Clear();
    }

    private static NodeAnswer.Refusal<ulong> Refusal(Reply<ulong> to, string why) => new(to, new RaftMembershipException(why));
}
