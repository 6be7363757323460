using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>The machine of the last of four validators, by the order of turns; the test speaks for the others.</summary>
internal sealed class LoneMachine
{
    private readonly BftProtocol _protocol;
    private readonly BftMachine _machine;

    public LoneMachine(BftProtocol protocol, IBftBlocks blocks)
    {
        _protocol = protocol;
        var identities = Enumerable.Range(1, 4).Select(IdentityOf).ToList();
        var turns = new BftValidators(HeightOf(protocol, identities, 1, default)).Turns;
        Turns = [.. turns.Select(t => identities.Single(i => i.Address == t))];
        _machine = new BftMachine(Turns[3], blocks);
        Step(new BftInput.PeersChanged(Turns.Take(3).Select(t => t.Address).ToHashSet()));
        Begin(1, default);
    }

    /// <summary>By the order of turns of height 1, which begins with the first.</summary>
    public IReadOnlyList<BftIdentity> Turns { get; }

    public BftDialect Dialect => BftDialect.Of(_protocol);

    public BftExplanation State => _machine.Explain(TimeSpan.Zero)!;

    public static BftIdentity IdentityOf(int i)
    {
        var key = Keccak.Hash([(byte)i]).ToArray();
        return new BftIdentity(Secp256k1.AddressOf(Secp256k1.PublicKey(key)), hash => Secp256k1.Sign(key, hash.Bytes));
    }

    public IReadOnlyList<BftEffect> Begin(ulong sequence, Hash256 parent) =>
        Step(new BftInput.NewHeight(HeightOf(_protocol, Turns, sequence, parent)));

    public IReadOnlyList<BftEffect> Step(BftInput input) => _machine.Step(input, TimeSpan.Zero);

    public IReadOnlyList<BftEffect> Hear(BftMessage message) => Step(new BftInput.MessageReceived(message, message.Sender));

    /// <summary>To whom a message of another is passed on.</summary>
    public IReadOnlyList<Address> Relayed(BftMessage message) =>
        [.. Hear(message).OfType<BftEffect.Send>().Where(s => s.Payload.AsSpan().SequenceEqual(message.Payload)).SelectMany(s => s.To)];

    /// <summary>All others ask for a round, and it begins.</summary>
    public void BeginRound(ulong round)
    {
        foreach (var other in Turns.Take(3)) Hear(Dialect.RoundChange(other, new BftView(State.View.Sequence, round), null));
        Assert.Equal(round, State.View.Round);
    }

    private static BftHeight HeightOf(BftProtocol protocol, IEnumerable<BftIdentity> validators, ulong sequence, Hash256 parent) =>
        ScenarioValidator.HeightOf(protocol, [.. validators.Select(v => v.Address)], sequence, null, parent);
}
