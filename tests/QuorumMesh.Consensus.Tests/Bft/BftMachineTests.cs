using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>What a validator that lies can make of an honest one.</summary>
public class BftMachineTests
{
    public static TheoryData<BftProtocol> Protocols => [BftProtocol.Ibft, BftProtocol.Qbft];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_verdict_on_one_body_does_not_count_for_another_under_the_same_header(BftProtocol protocol)
    {
        foreach (var fault in new[] { null, "the body is not its own" })
        {
            var machine = new LoneMachine(protocol, new HeaderBlocks());
            var (first, second) = (HeaderBlocks.Make(body: 1), HeaderBlocks.Make(body: 2));
            Assert.Equal(first.Rlp, Asked(machine.Hear(machine.Dialect.Preprepare(machine.Turns[0], new BftView(1, 0), first, []))));
            var votes = machine.Step(new BftInput.ProposalVerified(first.Digest, fault)).OfType<BftEffect.Send>().ToList();
            Assert.Equal(fault is null ? "PREPARE" : "ROUND-CHANGE", KindOf(Assert.Single(votes)));
            machine.BeginRound(1);
            var changes = machine.Turns.Take(3).Select(t => machine.Dialect.RoundChange(t, new BftView(1, 1), null)).ToList();
            var heard = machine.Hear(machine.Dialect.Preprepare(machine.Turns[1], new BftView(1, 1), second, changes));
            Assert.Equal(second.Rlp, Asked(heard));
            Assert.DoesNotContain(heard.OfType<BftEffect.Send>(), s => KindOf(s) is "PREPARE" or "ROUND-CHANGE");
        }
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_verdict_counts_for_the_same_block_when_it_is_proposed_again(BftProtocol protocol)
    {
        var machine = new LoneMachine(protocol, new HeaderBlocks());
        var block = HeaderBlocks.Make(body: 1);
        machine.Hear(machine.Dialect.Preprepare(machine.Turns[0], new BftView(1, 0), block, []));
        machine.Step(new BftInput.ProposalVerified(block.Digest, Fault: null));
        machine.BeginRound(1);
        var changes = machine.Turns.Take(3).Select(t => machine.Dialect.RoundChange(t, new BftView(1, 1), null)).ToList();
        var heard = machine.Hear(machine.Dialect.Preprepare(machine.Turns[1], new BftView(1, 1), block, changes));
        Assert.DoesNotContain(heard, e => e is BftEffect.VerifyProposal);
        Assert.Contains(heard.OfType<BftEffect.Send>(), s => KindOf(s) == "PREPARE");
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Round_changes_that_lead_nobody_on_are_kept_and_not_passed_on(BftProtocol protocol)
    {
        var machine = new LoneMachine(protocol, ScenarioBlocks.Instance);
        var liar = machine.Turns[0];
        for (ulong round = 1; round <= 500; round++) Assert.Empty(machine.Relayed(Ask(machine, liar, 1_000_000 + round)));
        Assert.Equal(1_000_500ul, machine.State.Validators.Single(v => v.Validator == liar.Address).RoundChange);
        Assert.Equal(0ul, machine.State.View.Round);
        // A second validator that is far ahead cannot be a lie of F: it leads us on, and the others too.
        var second = Ask(machine, machine.Turns[1], 2_000_000);
        Assert.Equal([liar.Address, machine.Turns[2].Address], machine.Relayed(second).OrderBy(a => a != liar.Address));
        Assert.Equal(1_000_500ul, machine.State.View.Round);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Round_changes_near_ours_are_passed_on_once_each(BftProtocol protocol)
    {
        var machine = new LoneMachine(protocol, ScenarioBlocks.Instance);
        var (liar, relayed) = (machine.Turns[0], 0);
        for (var times = 0; times < 5; times++)
            for (ulong round = 1; round <= 40; round++)
                if (machine.Relayed(Ask(machine, liar, round)).Count > 0) relayed++;
        Assert.Equal((int)BftHeightMachine.LargestLeap, relayed);
    }

    /// <summary>Every validator passes a round change on: of those only the first costs the recovery of a quorum's signatures.</summary>
    [Fact]
    public void A_round_change_that_is_there_is_old_before_its_justification_is_looked_at()
    {
        var machine = new LoneMachine(BftProtocol.Qbft, ScenarioBlocks.Instance);
        var sender = machine.Turns[0];
        machine.Hear(Ask(machine, sender, 1));
        Assert.Null(Refusal(Unjustified(1)));
        Assert.Equal(BftRefusal.Unjustified, Refusal(Unjustified(2)));
        // Of the highest three: a lower one has no place.
        foreach (var round in new ulong[] { 20, 21, 22 }) machine.Hear(Ask(machine, sender, round));
        Assert.Null(Refusal(Unjustified(19)));

        BftMessage Unjustified(ulong round) =>
            QbftWire.NewRoundChange(sender, new BftView(1, round), new PreparedClaim(0, Keccak.Hash([7])), [0xc0], []);

        BftRefusal? Refusal(BftMessage message) =>
            machine.Hear(message).OfType<BftEffect.Refused>().SingleOrDefault()?.Reason;
    }

    [Fact]
    public void An_IBFT_proposer_that_is_behind_is_answered_with_a_commit_that_decides_its_block()
    {
        var (machine, block) = AtSecondHeight();
        var proposed = machine.Dialect.Preprepare(machine.Turns[1], new BftView(1, 1), block, []);
        var sent = Assert.Single(machine.Hear(proposed).OfType<BftEffect.Send>());
        Assert.Equal([machine.Turns[1].Address], sent.To);
        Assert.True(BftWire.TryRead(sent.Code, sent.Payload, out var message, out _));
        var commit = Assert.IsType<CommitMessage>(message);
        Assert.Equal((machine.Turns[3].Address, new BftView(1, 1), block.Digest), (commit.Sender, commit.View, commit.Digest));
        Assert.True(BftWire.TryRecover(IbftWire.SealHash(block.Digest), commit.Seal, out var sealer));
        Assert.Equal(commit.Sender, sealer);
        // Once, and for no other block, and to nobody whose turn it was not.
        var other = ScenarioBlocks.Make(1, default, machine.Turns[2].Address, "other");
        Assert.Empty(machine.Hear(proposed).OfType<BftEffect.Send>());
        Assert.Empty(machine.Hear(machine.Dialect.Preprepare(machine.Turns[2], new BftView(1, 2), other, [])).OfType<BftEffect.Send>());
        Assert.Empty(machine.Hear(machine.Dialect.Preprepare(machine.Turns[2], new BftView(1, 4), block, [])).OfType<BftEffect.Send>());
    }

    [Fact]
    public void A_height_that_is_over_is_answered_for_a_few_rounds_only()
    {
        Assert.Equal([0ul, 4ul, 8ul], Answered(0));
        Assert.Equal([0ul, 1ul, 2ul, 4ul, 5ul, 6ul, 8ul, 9ul], Answered(0, 1, 2));
    }

    /// <summary>Rounds of a hundred in which these proposers are answered at the height after.</summary>
    private static List<ulong> Answered(params int[] proposers)
    {
        var (machine, block) = AtSecondHeight();
        var answered = new List<ulong>();
        for (ulong round = 0; round < 100; round++)
        {
            var turn = (int)(round % 4);
            if (!proposers.Contains(turn)) continue;
            var proposed = machine.Dialect.Preprepare(machine.Turns[turn], new BftView(1, round), block, []);
            if (machine.Hear(proposed).OfType<BftEffect.Send>().Any()) answered.Add(round);
        }
        return answered;
    }

    private static (LoneMachine Machine, BftProposal Block) AtSecondHeight()
    {
        var machine = new LoneMachine(BftProtocol.Ibft, ScenarioBlocks.Instance);
        var block = ScenarioBlocks.Make(1, default, machine.Turns[0].Address, "A");
        machine.Begin(2, block.Digest);
        return (machine, block);
    }

    private static RoundChangeMessage Ask(LoneMachine machine, BftIdentity validator, ulong round) =>
        machine.Dialect.RoundChange(validator, new BftView(1, round), null);

    private static byte[] Asked(IReadOnlyList<BftEffect> effects) =>
        Assert.Single(effects.OfType<BftEffect.VerifyProposal>()).Proposal.Rlp;

    private static string KindOf(BftEffect.Send sent) =>
        BftWire.TryRead(sent.Code, sent.Payload, out var message, out _) ? message.Kind : throw new FormatException();

    /// <summary>Blocks [header, body] of height 1 whose digest leaves the body open, as no reader of real ones may.</summary>
    private sealed class HeaderBlocks : IBftBlocks
    {
        public static BftProposal Make(byte body) => new(1, Keccak.Hash([0x01]), [0xc2, 0x01, body]);

        public BftProposal? Read(BftProtocol protocol, byte[] rlp) => Make(rlp[2]);

        public Hash256 QbftSealHash(BftProposal proposal, ulong round) => Keccak.Hash([.. proposal.Digest.Bytes, (byte)round]);
    }
}
