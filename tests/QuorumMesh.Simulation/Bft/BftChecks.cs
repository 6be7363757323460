using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Bft;

/// <summary>What must hold at every instant. Knows what all honest validators ever sent and decided, across their restarts.</summary>
internal sealed class BftChecks(BftShape shape, IReadOnlyList<Address> validators)
{
    private readonly Dictionary<ulong, Hash256> _decided = [];
    private readonly Dictionary<(Address, BftView, string), Hash256> _said = [];
    private readonly Dictionary<(Address, ulong), ulong> _left = [];
    private readonly Dictionary<(Address, ulong), SortedSet<ulong>> _committed = [];
    private readonly Dictionary<(BftView, Hash256), HashSet<Address>> _committers = [];
    private readonly SimulatedBlocks _blocks = new();

    /// <summary>Rounds past the first in which blocks were decided.</summary>
    public ulong LateRounds { get; private set; }

    public int Decisions { get; private set; }

    /// <summary>One block a height, with seals of a quorum over it.</summary>
    public void Decided(Address validator, BftEffect.Decide decision)
    {
        Decisions++;
        LateRounds += decision.Round;
        var (proposal, round) = (decision.Proposal, decision.Round);
        if (_decided.TryGetValue(proposal.Number, out var other) && other != proposal.Digest)
            Fail($"{validator} decides {proposal.Digest} at {proposal.Number}/{round}, where {other} was decided");
        _decided[proposal.Number] = proposal.Digest;
        var hash = BftDialect.Of(shape.Protocol).SealHash(_blocks, proposal, round);
        var sealers = decision.Seals.Select(s => BftWire.TryRecover(hash, s, out var signer) ? signer : default).Distinct()
            .Count(validators.Contains);
        if (sealers < ((2 * shape.Size) + 2) / 3) Fail($"{validator} decides {proposal.Number}/{round} with {sealers} seals");
        if (SimulatedBlock.Read(proposal.Rlp) is not { IsValid: true }) Fail($"{validator} decides a block that breaks a rule");
    }

    /// <summary>An honest validator says one thing in a view, and nothing in a round that it has left.</summary>
    public void Sent(Address validator, BftMessage message)
    {
        var said = message switch
        {
            PreprepareMessage m => Keccak.Hash(m.Block),
            PrepareMessage m => m.Digest,
            CommitMessage m => m.Digest,
            _ => message.Id,
        };
        if (!_said.TryAdd((validator, message.View, message.Kind), said))
        {
            if (_said[(validator, message.View, message.Kind)] != said)
                Fail($"{validator} says two things as {message.Kind} of {message.View}");
            return;
        }
        var height = (validator, message.View.Sequence);
        if (message is RoundChangeMessage change)
        {
            if (shape.Protocol == BftProtocol.Qbft) TellsOfCommits(change, height);
            _left[height] = Math.Max(_left.GetValueOrDefault(height), message.View.Round);
            return;
        }
        // An IBFT COMMIT for a height that is over answers a proposer that is behind.
        if (_decided.GetValueOrDefault(message.View.Sequence) == said && message is CommitMessage) return;
        // IBFT's round change promises nothing: votes of earlier rounds go out again as the proof of a lock.
        if (shape.Protocol == BftProtocol.Qbft && _left.GetValueOrDefault(height) > message.View.Round)
            Fail($"{validator} sends {message.Kind} of {message.View}, which it has left for {_left[height]}");
        if (message is CommitMessage || (message is PrepareMessage && shape.Protocol == BftProtocol.Qbft)) KeepsPromises(message, said);
        if (message is not CommitMessage commit) return;
        if (!_committed.TryGetValue(height, out var rounds)) _committed[height] = rounds = [];
        rounds.Add(commit.View.Round);
        if (!_committers.TryGetValue((commit.View, commit.Digest), out var committers))
            _committers[(commit.View, commit.Digest)] = committers = [];
        committers.Add(validator);
    }

    /// <summary>
    /// A QBFT round change tells of the rounds before its own. It may go out after votes in its own round: a crash between disk and wire
    /// keeps it back until a peer asks for it.
    /// </summary>
    private void TellsOfCommits(RoundChangeMessage change, (Address, ulong) height)
    {
        if (!_committed.TryGetValue(height, out var rounds)) return;
        var earlier = rounds.Where(r => r < change.View.Round).Select(r => (ulong?)r).Max();
        if (earlier is { } round && !(change.Prepared is { } prepared && prepared.Round >= round))
            Fail($"{change.Sender} hides at {change.View} that it has committed in round {round}");
    }

    /// <summary>
    /// When so many honest validators have committed a block that liars could have completed the quorum, no honest one may be led to
    /// another in a later round: QBFT's proposals must prove it, IBFT's locks must hold, whether or not the block was decided.
    /// </summary>
    private void KeepsPromises(BftMessage message, Hash256 digest)
    {
        var enough = (((2 * shape.Size) + 2) / 3) - shape.FaultTolerance;
        foreach (var ((view, other), committers) in _committers)
            if (view.Sequence == message.View.Sequence && view.Round < message.View.Round && other != digest && committers.Count >= enough)
                Fail($"{message.Sender} sends {message.Kind} of {message.View} for {digest}; {committers.Count} committed {other} in "
                    + $"{view}");
    }

    private static void Fail(string what) => throw new BftSafetyException(what);
}

internal sealed class BftSafetyException(string message) : Exception(message);
