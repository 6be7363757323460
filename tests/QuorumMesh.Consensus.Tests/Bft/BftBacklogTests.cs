using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>What is kept of views to come.</summary>
public class BftBacklogTests
{
    private static readonly BftIdentity A = LoneMachine.IdentityOf(1), B = LoneMachine.IdentityOf(2);
    private static readonly byte[] Block = [0xc3, 0xc0, 0xc0, 0xc0];

    [Fact]
    public void Of_each_validator_and_height_the_two_highest_votes_of_a_kind_are_kept()
    {
        var backlog = new BftBacklog();
        for (ulong round = 1; round <= 50; round++)
            foreach (var me in new[] { A, B })
                for (ulong sequence = 7; sequence <= 8; sequence++)
                {
                    backlog.Add(Prepare(me, sequence, round));
                    backlog.Add(IbftWire.NewCommit(me, new BftView(sequence, round), Hash256.Zero, new byte[65]));
                }
        // One of a lower view displaces nothing, and neither does one of the same view.
        backlog.Add(Prepare(A, 7, 3));
        backlog.Add(Prepare(A, 7, 50));
        foreach (var sequence in new ulong[] { 7, 8 })
        {
            Assert.Empty(backlog.Take(new BftView(sequence, 48)));
            foreach (var round in new ulong[] { 49, 50 })
            {
                var due = backlog.Take(new BftView(sequence, round));
                Assert.Equal(4, due.Select(m => (m.Sender, m.Kind)).Distinct().Count());
                Assert.Equal(4, due.Count);
                Assert.All(due, m => Assert.Equal(new BftView(sequence, round), m.View));
            }
        }
    }

    [Fact]
    public void Of_proposals_and_round_changes_the_highest_alone_is_kept()
    {
        var backlog = new BftBacklog();
        foreach (var round in new ulong[] { 2, 9, 4 })
        {
            backlog.Add(IbftWire.NewPreprepare(A, new BftView(7, round), Block));
            backlog.Add(IbftWire.NewRoundChange(A, new BftView(7, round)));
        }
        // Round changes of a height are due with its first view, proposals with their own.
        Assert.Equal([("ROUND-CHANGE", 9ul)], backlog.Take(new BftView(7, 0)).Select(m => (m.Kind, m.View.Round)));
        Assert.Empty(backlog.Take(new BftView(7, 2)));
        Assert.Equal([("PRE-PREPARE", 9ul)], backlog.Take(new BftView(7, 9)).Select(m => (m.Kind, m.View.Round)));
        Assert.Empty(backlog.Take(new BftView(7, 9)));
    }

    [Fact]
    public void A_proposal_comes_out_before_the_votes_for_it_and_what_is_over_does_not_come_out()
    {
        var backlog = new BftBacklog();
        backlog.Add(Prepare(A, 7, 2));
        backlog.Add(Prepare(B, 7, 1));
        backlog.Add(IbftWire.NewPreprepare(B, new BftView(7, 2), Block));
        Assert.Equal(["PRE-PREPARE", "PREPARE"], backlog.Take(new BftView(7, 2)).Select(m => m.Kind));
        Assert.Empty(backlog.Take(new BftView(7, 1)));
    }

    [Fact]
    public void Who_is_no_validator_any_more_is_forgotten()
    {
        var backlog = new BftBacklog();
        backlog.Add(Prepare(A, 7, 0));
        backlog.Add(Prepare(B, 7, 0));
        backlog.Keep(new BftValidators(ScenarioValidator.HeightOf(BftProtocol.Ibft, [B.Address], 7, null, default)));
        Assert.Equal(B.Address, Assert.Single(backlog.Take(new BftView(7, 0))).Sender);
    }

    private static PrepareMessage Prepare(BftIdentity me, ulong sequence, ulong round) =>
        IbftWire.NewPrepare(me, new BftView(sequence, round), Hash256.Zero);
}
