using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>What a node's loop answers, without a loop.</summary>
internal static class FakeBft
{
    public static BftNode Create(Address own, BftSettings settings, IReadOnlyList<HeldTransaction> held)
    {
        var standing = new BftStanding(own) { Settings = settings };
        return new BftNode(() => standing, new BftQuestions((question, _) =>
        {
            var vote = (ValidatorInput.ChangeVote)question(new Reply<Taken>());
            var candidates = new Dictionary<Address, bool>(standing.Candidates);
            if (vote.Authorize is { } authorize) candidates[vote.Candidate] = authorize;
            else candidates.Remove(vote.Candidate);
            standing = standing with { Candidates = candidates };
            return Task.FromResult(default(Taken));
        }, (_, _) => Task.FromResult(new BftReport(standing, null)), _ => Task.FromResult(held), () => TimeSpan.Zero));
    }
}
