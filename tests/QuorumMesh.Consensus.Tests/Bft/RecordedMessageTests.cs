using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>Against messages of GoQuorum 2.5.0 (IBFT) and 24.4.1 (QBFT).</summary>
public class RecordedMessageTests
{
    private static readonly RecordedBlocks Blocks = new();

    [VectorTheory]
    [InlineData(BftProtocol.Ibft, 66)]
    [InlineData(BftProtocol.Qbft, 195)]
    public void Every_recorded_message_is_read_and_its_signer_found(BftProtocol protocol, int count)
    {
        var network = Network(protocol);
        Assert.Equal(count, network.Messages.Count);
        foreach (var recorded in network.Messages)
        {
            Assert.True(BftWire.TryRead(recorded.Code, recorded.Payload, out var message, out var refusal), refusal.Name());
            Assert.Equal(recorded.Signer, message.Sender);
        }
    }

    [VectorTheory]
    [InlineData(BftProtocol.Ibft)]
    [InlineData(BftProtocol.Qbft)]
    public void The_same_message_made_with_the_same_key_has_the_same_bytes(BftProtocol protocol)
    {
        var network = Network(protocol);
        foreach (var message in network.Read())
        {
            var again = Make(network.KeyOf(message.Sender), message);
            Assert.Equal(Hex.ToHex(message.Payload), Hex.ToHex(again.Payload));
            Assert.Equal(message.Code, again.Code);
        }
    }

    [VectorFact]
    public void Every_recorded_justification_holds_and_none_holds_with_a_vote_less_than_a_quorum()
    {
        var network = RecordedNetwork.Qbft();
        var validators = new BftValidators(network.Height(1, null));
        var dialect = BftDialect.Of(BftProtocol.Qbft);
        var (proposals, changes) = (0, 0);
        foreach (var message in network.Read())
        {
            if (message is RoundChangeMessage { Prepared: not null } change)
            {
                changes++;
                Assert.True(dialect.IsJustified(change, validators, Blocks));
                Assert.False(dialect.IsJustified(change with { Prepares = [.. change.Prepares.Take(2)] }, validators, Blocks));
                Assert.False(dialect.IsJustified(change with { Prepares = Twice(change.Prepares) }, validators, Blocks));
                Assert.False(dialect.IsJustified(change with { Block = null }, validators, Blocks));
            }
            if (message is not PreprepareMessage { View.Round: > 0 } proposed) continue;
            proposals++;
            var proposal = Blocks.Read(BftProtocol.Qbft, proposed.Block)!;
            Assert.True(dialect.IsJustified(proposed, proposal, validators));
            Assert.False(dialect.IsJustified(proposed with { RoundChanges = [.. proposed.RoundChanges.Take(2)] }, proposal, validators));
            if (proposed.Prepares.Count == 0) continue;
            Assert.False(dialect.IsJustified(proposed with { Prepares = [] }, proposal, validators));
            Assert.False(dialect.IsJustified(proposed, proposal with { Digest = Hash256.Zero }, validators));
        }
        Assert.True(proposals >= 5 && changes >= 6, $"{proposals} proposals, {changes} round changes");
    }

    [VectorTheory]
    [InlineData(BftProtocol.Ibft)]
    [InlineData(BftProtocol.Qbft)]
    public void Every_recorded_seal_is_its_senders_over_the_proposed_block_and_round(BftProtocol protocol)
    {
        var network = Network(protocol);
        var messages = network.Read();
        var dialect = BftDialect.Of(protocol);
        var proposals = messages.OfType<PreprepareMessage>().Select(m => Blocks.Read(protocol, m.Block)!).DistinctBy(p => p.Digest)
            .ToDictionary(p => p.Digest);
        var seals = 0;
        foreach (var commit in messages.OfType<CommitMessage>().Where(c => proposals.ContainsKey(c.Digest)))
        {
            var proposal = proposals[commit.Digest];
            Assert.True(BftWire.TryRecover(dialect.SealHash(Blocks, proposal, commit.View.Round), commit.Seal, out var signer));
            Assert.Equal(commit.Sender, signer);
            seals++;
        }
        Assert.True(seals > 20, $"{seals} seals");
    }

    /// <summary>
    /// The machine in the place of one of the recorded validators, hearing what the others said, says what that validator said. In views
    /// where the real one proposed, its block is given.
    /// </summary>
    [VectorTheory]
    [InlineData(BftProtocol.Ibft)]
    [InlineData(BftProtocol.Qbft)]
    public void A_machine_in_a_recorded_validators_place_votes_with_the_same_bytes(BftProtocol protocol)
    {
        var network = Network(protocol);
        var messages = network.Read();
        var compared = 0;
        foreach (var height in messages.Select(m => m.View.Sequence).Distinct())
            foreach (var me in network.Validators)
                compared += Compare(network, me, [.. messages.Where(m => m.View.Sequence == height)]);
        Assert.True(compared > 40, $"{compared} votes");
    }

    private static int Compare(RecordedNetwork network, BftIdentity me, IReadOnlyList<BftMessage> messages)
    {
        var height = messages[0].View.Sequence;
        var first = messages.OfType<PreprepareMessage>().FirstOrDefault(m => m.View.Round == 0);
        // The last proposer is the one before the first proposer of this height in the order of turns.
        if (first is null || messages.Any(m => m.View.Round > 0)) return 0;
        var turns = new BftValidators(network.Height(height, null)).Turns;
        var last = turns[(turns.ToList().IndexOf(first.Sender) + turns.Count - 1) % turns.Count];
        var machine = new BftMachine(me, Blocks);
        var said = new List<BftEffect>();
        Step(new BftInput.NewHeight(network.Height(height, last)));
        Step(BftInput.ProposalDue.Instance);
        if (first.Sender == me.Address) Step(new BftInput.ProposalReady(Blocks.Read(network.Protocol, first.Block)!));
        foreach (var message in messages.Where(m => m.Sender != me.Address))
            Step(new BftInput.MessageReceived(message, message.Sender));
        var own = messages.Where(m => m.Sender == me.Address).Select(m => Hex.ToHex(m.Payload)).ToHashSet();
        var sent = said.OfType<BftEffect.Send>().Select(s => Hex.ToHex(s.Payload)).ToHashSet();
        Assert.Subset(sent, own);
        // The recording begins and ends within some heights.
        var isWhole = messages.OfType<CommitMessage>().Count(c => c.Sender != me.Address) >= 2
            && messages.OfType<PrepareMessage>().Count(p => p.Sender != me.Address) >= 2;
        if (isWhole) Assert.Contains(said, e => e is BftEffect.Decide);
        return own.Count;

        void Step(BftInput input)
        {
            var effects = machine.Step(input, TimeSpan.Zero);
            said.AddRange(effects);
            foreach (var verify in effects.OfType<BftEffect.VerifyProposal>())
                Step(new BftInput.ProposalVerified(verify.Proposal.Digest, null));
        }
    }

    private static RecordedNetwork Network(BftProtocol protocol) =>
        protocol == BftProtocol.Ibft ? RecordedNetwork.Ibft() : RecordedNetwork.Qbft();

    private static IReadOnlyList<SignedPrepare> Twice(IReadOnlyList<SignedPrepare> prepares) => [.. prepares.Skip(1), prepares[1]];

    private static BftMessage Make(BftIdentity key, BftMessage message) => (message.Protocol, message) switch
    {
        (BftProtocol.Ibft, PreprepareMessage m) => IbftWire.NewPreprepare(key, m.View, m.Block),
        (BftProtocol.Ibft, PrepareMessage m) => IbftWire.NewPrepare(key, m.View, m.Digest),
        (BftProtocol.Ibft, CommitMessage m) => IbftWire.NewCommit(key, m.View, m.Digest, m.Seal),
        (BftProtocol.Ibft, RoundChangeMessage m) => IbftWire.NewRoundChange(key, m.View),
        (_, PreprepareMessage m) => QbftWire.NewPreprepare(key, m.View, m.Block, m.RoundChanges, m.Prepares),
        (_, PrepareMessage m) => QbftWire.NewPrepare(key, m.View, m.Digest),
        (_, CommitMessage m) => QbftWire.NewCommit(key, m.View, m.Digest, m.Seal),
        (_, RoundChangeMessage m) => QbftWire.NewRoundChange(key, m.View, m.Prepared, m.Block, m.Prepares),
        _ => throw new ArgumentException(message.Kind),
    };
}
