using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// Ask any node for a learner that never comes up, and for its removal, now and then the same again. What they are told must be so,
/// whatever crashes and is lost meanwhile.
/// </summary>
internal sealed class Operators(Random random)
{
    private const int Spare = 9;

    private readonly List<Asked> _asked = [];

    public int Committed => _asked.Count(a => a.Outcome is { IsCommitted: true });

    public void MayAsk(IReadOnlyList<RaftNode> nodes)
    {
        if (random.Next(60) == 0 && nodes[random.Next(nodes.Count)] is { IsUp: true, Raft.Core.Leader: not 0 } node) Ask(node);
    }

    /// <summary>Everyone was answered that a crash has not left without.</summary>
    public bool AreAnswered => _asked.All(a => a.Answer.IsCompleted || a.Node.Life != a.Life);

    /// <summary>
    /// All nodes have the same members, and those that were said to be added are among them unless they were removed since.
    /// </summary>
    public void Check(IReadOnlyList<RaftNode> nodes)
    {
        var members = nodes.Select(n => string.Join(',', n.Raft!.View.Members)).Distinct().ToList();
        if (members.Count != 1) throw new NodeSimulationException($"the members are {string.Join(" or ", members)}");
        var ids = nodes[0].Raft!.View.Members.Select(m => m.RaftId).ToHashSet();
        foreach (var (node, request, outcome) in _asked.Where(a => a.Outcome is not null).Select(a => (a.Node, a.Request, a.Outcome!)))
        {
            var isMember = ids.Contains(outcome.Id);
            if (request is RaftMembershipRequest.Remove && outcome.IsCommitted && isMember)
                throw new NodeSimulationException($"node {node.Id} said that member {outcome.Id} is removed, and it is there");
            if (request is RaftMembershipRequest.Add && outcome.IsCommitted && !isMember && !WasRemovalAsked(outcome.Id))
                throw new NodeSimulationException($"node {node.Id} said that member {outcome.Id} is added, and nobody removed it");
        }
    }

    private void Ask(RaftNode node)
    {
        var learners = node.Raft!.View.Learners;
        RaftMembershipRequest request = learners.Count > 0 && random.Next(2) == 0
            ? new RaftMembershipRequest.Remove(learners[0])
            : new RaftMembershipRequest.Add(Learner(1 + random.Next(Spare)), AsLearner: true);
        var answer = new Reply<RaftChangeOutcome>();
        if (node.Post(new RaftInput.ChangeMembership(request, answer))) _asked.Add(new Asked(node, node.Life, request, answer.Task));
    }

    private bool WasRemovalAsked(ulong id) => _asked.Any(a => a.Request is RaftMembershipRequest.Remove remove && remove.Id == id);

    private static Enode Learner(int number)
    {
        var id = Convert.ToHexStringLower(TestChain.Signer(2000 + number).PublicKey);
        return new Enode(id, "127.0.0.1", 31000 + number, 51000 + number);
    }

    private sealed record Asked(RaftNode Node, int Life, RaftMembershipRequest Request, Task<RaftChangeOutcome> Answer)
    {
        public RaftChangeOutcome? Outcome => Answer.IsCompletedSuccessfully ? Answer.Result : null;
    }
}
