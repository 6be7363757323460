using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// One round: its proposal and who voted how. The first vote of each validator counts, so that memory is bounded by their number.
/// </summary>
internal sealed class BftRound(BftView view, Address proposer)
{
    private readonly Dictionary<Address, PrepareMessage> _prepares = [];
    private readonly Dictionary<Address, CommitMessage> _commits = [];

    public BftView View { get; } = view;

    public Address Proposer { get; } = proposer;

    /// <summary>The proposer's message; a second one has no effect.</summary>
    public PreprepareMessage? Preprepare { get; private set; }

    /// <summary>Its block.</summary>
    public BftProposal? Proposal { get; private set; }

    /// <summary>The block may be voted for.</summary>
    public bool IsVerified { get; set; }

    /// <summary>Why the block may not be voted for.</summary>
    public string? Fault { get; set; }

    /// <summary>Round changes are waited for; nothing was proposed yet.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>Our block is being made.</summary>
    public bool IsBuilding { get; set; }

    /// <summary>A quorum has prepared the block, and we have locked it.</summary>
    public bool IsPrepared { get; set; }

    public PreprepareMessage? OwnPreprepare { get; set; }

    public PrepareMessage? OwnPrepare { get; set; }

    public CommitMessage? OwnCommit { get; set; }

    public RoundChangeMessage? OwnRoundChange { get; set; }

    /// <summary>What we have said in this round, in the order in which others need it.</summary>
    public IEnumerable<BftMessage> Own =>
        new BftMessage?[] { OwnRoundChange, OwnPreprepare, OwnPrepare, OwnCommit }.OfType<BftMessage>();

    public void Propose(PreprepareMessage message, BftProposal proposal) => (Preprepare, Proposal) = (message, proposal);

    public BftRefusal Add(PrepareMessage message) => Add(_prepares, message, m => m.Digest);

    public BftRefusal Add(CommitMessage message) => Add(_commits, message, m => m.Digest);

    /// <summary>Takes back a commit whose seal turned out bad.</summary>
    public void Remove(CommitMessage message) => _commits.Remove(message.Sender);

    public bool HasPrepared(Address validator) => _prepares.ContainsKey(validator);

    public bool HasCommitted(Address validator) => _commits.ContainsKey(validator);

    public IReadOnlyList<CommitMessage> CommitsFor(Hash256 digest) => [.. _commits.Values.Where(c => c.Digest == digest)];

    /// <summary>Votes that the block may be decided, one a validator.</summary>
    /// <param name="withCommits">
    /// A COMMIT stands for a PREPARE: GoQuorum's IBFT skips the latter for a block that it has locked
    /// (2.5:consensus/istanbul/core/prepare.go).
    /// </param>
    public IReadOnlyList<BftMessage> PreparedBy(Hash256 digest, bool withCommits)
    {
        IEnumerable<BftMessage> votes = _prepares.Values.Where(p => p.Digest == digest);
        if (withCommits) votes = votes.Concat(CommitsFor(digest)).DistinctBy(m => m.Sender);
        return [.. votes];
    }

    private static BftRefusal Add<T>(Dictionary<Address, T> votes, T message, Func<T, Hash256> digest)
        where T : BftMessage
    {
        if (votes.TryAdd(message.Sender, message)) return BftRefusal.None;
        return digest(votes[message.Sender]) == digest(message) ? BftRefusal.Old : BftRefusal.Equivocation;
    }
}
