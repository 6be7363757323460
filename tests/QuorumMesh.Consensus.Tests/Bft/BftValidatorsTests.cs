using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>How many decide, and whose turn it is.</summary>
public class BftValidatorsTests
{
    [Theory]
    [InlineData(1, 0, 1, 1)]
    [InlineData(2, 0, 1, 2)]
    [InlineData(3, 0, 1, 2)]
    [InlineData(4, 1, 3, 3)]
    [InlineData(5, 1, 3, 4)]
    [InlineData(6, 1, 3, 4)]
    [InlineData(7, 2, 5, 5)]
    public void A_quorum_is_2F_plus_1_or_two_thirds_rounded_up(int count, int faults, int twoFPlus1, int twoThirds)
    {
        foreach (var protocol in new[] { BftProtocol.Ibft, BftProtocol.Qbft })
        {
            var height = HeightOf(protocol, count);
            var (old, young) = (new BftValidators(height with { Ceil2Nby3 = false }), new BftValidators(height with { Ceil2Nby3 = true }));
            Assert.Equal((faults, twoFPlus1), (old.FaultTolerance, old.Quorum));
            Assert.Equal((faults, twoThirds), (young.FaultTolerance, young.Quorum));
        }
    }

    [Fact]
    public void A_sticky_proposer_has_the_next_block_too_and_the_others_follow_round_by_round()
    {
        var sticky = HeightOf(BftProtocol.Qbft, 4) with { Policy = ProposerPolicy.Sticky };
        var turns = new BftValidators(sticky).Turns;
        Assert.Equal([turns[2], turns[3], turns[0], turns[1], turns[2]], Proposers(sticky with { LastProposer = turns[2] }, 5));
        var inTurn = sticky with { Policy = ProposerPolicy.RoundRobin };
        Assert.Equal([turns[3], turns[0], turns[1], turns[2], turns[3]], Proposers(inTurn with { LastProposer = turns[2] }, 5));
    }

    [Fact]
    public void A_proposer_that_was_voted_out_counts_as_the_first_and_the_first_block_has_none_before_it()
    {
        var inTurn = HeightOf(BftProtocol.Ibft, 4);
        var sticky = inTurn with { Policy = ProposerPolicy.Sticky };
        var (turns, stranger) = (new BftValidators(inTurn).Turns, LoneMachine.IdentityOf(9).Address);
        Assert.Equal([turns[1]], Proposers(inTurn with { LastProposer = stranger }, 1));
        Assert.Equal([turns[0]], Proposers(sticky with { LastProposer = stranger }, 1));
        Assert.Equal([turns[0]], Proposers(inTurn, 1));
        Assert.Equal([turns[0]], Proposers(sticky, 1));
    }

    private static BftHeight HeightOf(BftProtocol protocol, int count) => ScenarioValidator.HeightOf(
        protocol, [.. Enumerable.Range(1, count).Select(i => LoneMachine.IdentityOf(i).Address)], 1, null, default);

    private static IEnumerable<Address> Proposers(BftHeight height, int rounds) =>
        Enumerable.Range(0, rounds).Select(r => new BftValidators(height).Proposer((ulong)r));
}
