using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Bft;

/// <summary>
/// A Byzantine validator that knows all that it was sent. By its mood it is silent, proposes different blocks to different validators,
/// votes for everything, with bad seals too, denies what was prepared, asks for any round, replays, and sends bytes that mean nothing.
/// </summary>
internal sealed class LyingValidator(int index, BftIdentity me, BftSimulation network, Random random)
{
    private const int MostKept = 400;
    private readonly List<BftMessage> _heard = [];
    private readonly HashSet<BftView> _proposed = [];
    private int _mood = random.Next(6);

    private BftDialect Dialect => BftDialect.Of(network.Protocol);

    public void Start() => network.Schedule(random.Next(100, 600), Act);

    public void Hear(BftMessage message)
    {
        if (_heard.Count == MostKept) _heard.RemoveAt(0);
        _heard.Add(message);
        if (_mood == 0) return;
        switch (message)
        {
            case PreprepareMessage proposed: VoteFor(proposed); break;
            case RoundChangeMessage change when random.Next(2) == 0: Deny(change); break;
        }
        if (random.Next(20) == 0) Replay();
    }

    private void Act()
    {
        if (random.Next(20) == 0) _mood = random.Next(6);
        if (_mood != 0)
        {
            ProposeTwice();
            if (random.Next(10) == 0) AskForAnyRound();
            if (random.Next(10) == 0) Nonsense();
        }
        network.Schedule(random.Next(50, 400), Act);
    }

    /// <summary>Both votes for whatever is proposed, some with a seal that is none, to some.</summary>
    private void VoteFor(PreprepareMessage proposed)
    {
        if (network.Blocks.Read(network.Protocol, proposed.Block) is not { } proposal) return;
        if (_mood != 1) Send(Dialect.Prepare(me, proposed.View, proposal.Digest));
        if (_mood == 2 || random.Next(3) == 0)
        {
            var round = _mood == 3 ? proposed.View.Round + 1 : proposed.View.Round;
            var hash = _mood == 4 ? Hash256.Zero : Dialect.SealHash(network.Blocks, proposal, round);
            Send(Dialect.Commit(me, proposed.View, proposal.Digest, me.Sign(hash)));
        }
    }

    /// <summary>The same round, or another, as if nothing had been prepared.</summary>
    private void Deny(RoundChangeMessage change) =>
        Send(Dialect.RoundChange(me, change.View with { Round = change.View.Round + (ulong)random.Next(2) }, null));

    /// <summary>Two blocks in each of its rounds, that has begun or not, with the round changes that suit it best or with none.</summary>
    private void ProposeTwice()
    {
        var chain = network.LongestChain;
        var height = network.HeightAfter(chain, isOurs: true);
        var validators = new BftValidators(height);
        var changes = _heard.OfType<RoundChangeMessage>().Where(c => c.View.Sequence == height.Sequence).ToList();
        for (ulong round = 0; round < 6; round++)
        {
            var view = new BftView(height.Sequence, round);
            if (validators.Proposer(round) != me.Address || !_proposed.Add(view)) continue;
            foreach (var block in new[] { network.NewBlock(chain, me.Address), network.NewBlock(chain, me.Address) })
            {
                var proposal = (random.Next(8) == 0 ? block.Spoiled() : block).ToProposal();
                Send(Dialect.Preprepare(me, view, proposal, round == 0 ? [] : Reasons(changes, view, validators.Quorum)));
            }
        }
    }

    /// <summary>Round changes for a proposal: those of the round that tell the least, or others that prove nothing.</summary>
    private List<RoundChangeMessage> Reasons(List<RoundChangeMessage> changes, BftView view, int quorum)
    {
        var mine = changes.Where(c => c.View == view).Append(Dialect.RoundChange(me, view, null)).DistinctBy(c => c.Sender).ToList();
        return random.Next(4) switch
        {
            0 => [],
            1 => [.. Enumerable.Repeat(Dialect.RoundChange(me, view, null), quorum)],
            2 => [.. mine.Select(c => c with { Prepared = null, Prepares = [] })],
            _ => [.. mine.OrderBy(c => c.Prepared?.Round + 1 ?? 0).Take(quorum)],
        };
    }

    private void AskForAnyRound()
    {
        var sequence = (ulong)network.LongestChain.Count + (ulong)random.Next(3);
        Send(Dialect.RoundChange(me, new BftView(sequence, (ulong)random.Next(1, 2000)), null));
    }

    private void Replay()
    {
        var old = _heard[random.Next(_heard.Count)];
        network.Transmit(index, random.Next(network.Addresses.Count), old.Code, old.Payload);
    }

    private void Nonsense()
    {
        if (_heard.Count == 0) return;
        var old = _heard[random.Next(_heard.Count)];
        var bytes = old.Payload.ToArray();
        for (var i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
        var cut = random.Next(3) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
        network.Transmit(index, random.Next(network.Addresses.Count), old.Code, cut);
    }

    /// <summary>To each other validator, or to some.</summary>
    private void Send(BftMessage message)
    {
        for (var to = 0; to < network.Addresses.Count; to++)
            if (to != index && random.Next(3) != 0) network.Transmit(index, to, message.Code, message.Payload);
    }
}
